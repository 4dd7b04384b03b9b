/*
 * A small disk for a test that may not mount one: loaded before the C library, it refuses with ENOSPC what would make the
 * files in SMALL_DISK larger than SMALL_DISK_BYTES in all. The program under test is the real one and knows nothing of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local long long used;

static int add(const char *path, const struct stat *file, int kind) {
    (void)path;
    if (kind == FTW_F) used += file->st_size;
    return 0;
}

/* Whether a file may not become so long. */
static int is_full(int fd, long long length) {
    const char *disk = getenv("SMALL_DISK"), *bytes = getenv("SMALL_DISK_BYTES");
    char link[64], path[PATH_MAX];
    struct stat file;
    if (!disk || !bytes || fstat(fd, &file) || !S_ISREG(file.st_mode) || length <= file.st_size) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t end = readlink(link, path, sizeof path - 1);
    if (end < 0) return 0;
    path[end] = 0;
    if (strncmp(path, disk, strlen(disk))) return 0;
    used = 0;
    ftw(disk, add, 8);
    if (used + length - file.st_size <= atoll(bytes)) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t write(int fd, const void *from, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int before = errno;
    off_t at = lseek(fd, 0, SEEK_CUR);
    errno = before;
    return at >= 0 && is_full(fd, at + (long long)count) ? -1 : real(fd, from, count);
}

ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return is_full(fd, at + (long long)count) ? -1 : real(fd, from, count, at);
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    return pwrite64(fd, from, count, at);
}

int ftruncate64(int fd, off64_t length) {
    int (*real)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
    return is_full(fd, length) ? -1 : real(fd, length);
}

int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}
