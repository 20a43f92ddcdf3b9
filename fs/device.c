/* The register of character devices: a list, since a kernel of this size has a few dozen. */
#include "fs/device.h"

static struct spinlock device_lock = SPINLOCK_INIT;
static struct char_device *device_list;

static struct char_device *device_find_locked(dev_nr_t dev)
{
    struct char_device *device = device_list;

    while (device != NULL && device->dev != dev) {
        device = device->next;
    }
    return device;
}

int char_device_register(struct char_device *device)
{
    struct char_device **link = &device_list;
    int error = -EBUSY;

    spin_lock(&device_lock);
    if (device_find_locked(device->dev) == NULL) {
        while (*link != NULL) {
            link = &(*link)->next;
        }
        device->next = NULL;
        *link = device;
        error = 0;
    }
    spin_unlock(&device_lock);
    return error;
}

struct char_device *char_device_find(dev_nr_t dev)
{
    struct char_device *device;

    spin_lock(&device_lock);
    device = device_find_locked(dev);
    spin_unlock(&device_lock);
    return device;
}

struct char_device *char_device_at(unsigned n)
{
    struct char_device *device;

    spin_lock(&device_lock);
    device = device_list;
    while (device != NULL && n-- > 0) {
        device = device->next;
    }
    spin_unlock(&device_lock);
    return device;
}
