/* Finds the devices of the machine and starts their drivers. */
#include "drivers/drivers.h"

#include <hal/board.h>

#include "drivers/serial_port.h"
#include "drivers/virtio_console.h"
#include "kernel/printk.h"

static int channel_create(const struct boot_info *boot, struct serial_port **out)
{
    if (hal_board->channel != NULL) {
        return uart_port_create(hal_board->channel, out);
    }
    return virtio_console_create(boot, out);
}

void drivers_init(const struct boot_info *boot)
{
    struct serial_port *port;
    int error;

    mem_device_init();
    serial_tty_init();
    error = channel_create(boot, &port);
    if (error == 0) {
        error = serial_device_register(port);
    }
    if (error != 0) {
        printk("channel: none (%d)\n", error);
    }
}
