/* devtmpfs: a tmpfs that begins with a node for each registered character device. */
#pragma once

/*
 * Boot, after tmpfs is registered: registers the type "devtmpfs". Mount it on /dev after the
 * drivers have registered their devices.
 */
void devfs_init(void);
