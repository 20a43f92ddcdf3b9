/* The memory and string functions that a freestanding compiler and libfdt expect. */
#pragma once

#include "kernel/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *s, int byte, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
/* Does: copies at most size - 1 bytes and a NUL. Returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);
/* Parses digits of the base (0: by prefix); *end, if given, is the first byte not used. */
unsigned long strtoul(const char *s, char **end, int base);
