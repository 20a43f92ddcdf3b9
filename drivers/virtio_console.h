/* A virtio console (virtio 1.1, 5.3) without multiport as a raw byte port. */
#pragma once

#include <hal/boot.h>

#include "drivers/serial_port.h"

/* Does: starts the first console among boot->virtio. Fails: -ENODEV, -ENOMEM, -EBUSY. */
NODISCARD int virtio_console_create(const struct boot_info *boot, struct serial_port **out);
