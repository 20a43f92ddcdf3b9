/*
 * Character devices by number. Drivers register at boot; an open of a device node finds the
 * operations here, and devtmpfs makes a node for each.
 */
#pragma once

#include "fs/file.h"

struct char_device {
    dev_nr_t dev;
    const char *name; /* below /dev, may hold one '/' ("pts/0"); NULL: no node */
    uint32_t mode;    /* permission bits of the node */
    uint32_t gid;
    const struct file_ops *ops;
    void *private; /* for the driver: char_device_of(inode)->private */
    struct char_device *next;
};

/* Requires: the record lives for good. Fails: -EBUSY when the number is taken. */
NODISCARD int char_device_register(struct char_device *device);
/* Returns the device of a number, or NULL. */
struct char_device *char_device_find(dev_nr_t dev);
static inline struct char_device *char_device_of(const struct inode *inode)
{
    return char_device_find(inode->rdev);
}
/* The n-th registered device (in order of registration), or NULL. */
struct char_device *char_device_at(unsigned n);
