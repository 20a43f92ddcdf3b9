/*
 * Sockets: none yet. Making one fails as for a protocol family that the kernel was built without,
 * and every descriptor is something else, as callers that probe for a socket expect to hear.
 */
#include "syscall/syscall.h"
#include "syscall/user.h"

SYSCALL_3(socket, int, family UNUSED, int, type UNUSED, int, protocol UNUSED)
{
    return -EAFNOSUPPORT;
}

SYSCALL_4(socketpair, int, family UNUSED, int, type UNUSED, int, protocol UNUSED, vaddr_t,
          fds UNUSED)
{
    return -EAFNOSUPPORT;
}

static int64_t not_a_socket(int fd)
{
    struct file *file = user_file(fd);

    if (file == NULL) {
        return -EBADF;
    }
    file_put(file);
    return -ENOTSOCK;
}

#define NOT_A_SOCKET_2(name, t1)                                                                   \
    SYSCALL_2(name, int, fd, t1, a1 UNUSED)                                                        \
    {                                                                                              \
        return not_a_socket(fd);                                                                   \
    }
#define NOT_A_SOCKET_3(name, t1, t2)                                                               \
    SYSCALL_3(name, int, fd, t1, a1 UNUSED, t2, a2 UNUSED)                                         \
    {                                                                                              \
        return not_a_socket(fd);                                                                   \
    }

NOT_A_SOCKET_2(listen, int)
NOT_A_SOCKET_2(shutdown, int)
NOT_A_SOCKET_3(bind, vaddr_t, int)
NOT_A_SOCKET_3(connect, vaddr_t, int)
NOT_A_SOCKET_3(accept, vaddr_t, vaddr_t)
NOT_A_SOCKET_3(getsockname, vaddr_t, vaddr_t)
NOT_A_SOCKET_3(getpeername, vaddr_t, vaddr_t)
NOT_A_SOCKET_3(sendmsg, vaddr_t, int)
NOT_A_SOCKET_3(recvmsg, vaddr_t, int)

SYSCALL_4(accept4, int, fd, vaddr_t, addr UNUSED, vaddr_t, len UNUSED, int, flags UNUSED)
{
    return not_a_socket(fd);
}

SYSCALL_5(setsockopt, int, fd, int, level UNUSED, int, name UNUSED, vaddr_t, value UNUSED, int,
          len UNUSED)
{
    return not_a_socket(fd);
}

SYSCALL_5(getsockopt, int, fd, int, level UNUSED, int, name UNUSED, vaddr_t, value UNUSED, vaddr_t,
          len UNUSED)
{
    return not_a_socket(fd);
}

SYSCALL_6(sendto, int, fd, vaddr_t, buf UNUSED, size_t, len UNUSED, int, flags UNUSED, vaddr_t,
          addr UNUSED, int, addr_len UNUSED)
{
    return not_a_socket(fd);
}

SYSCALL_6(recvfrom, int, fd, vaddr_t, buf UNUSED, size_t, len UNUSED, int, flags UNUSED, vaddr_t,
          addr UNUSED, vaddr_t, addr_len UNUSED)
{
    return not_a_socket(fd);
}
