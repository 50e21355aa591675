/* Makes one system call of a process fail: a library for LD_PRELOAD, driven by tests/failing_calls.py.

   After arm("write", "/folder/", EIO, 3, 0) the third write to a file below /folder/ fails with EIO; with a last
   argument of 1, every later one does, too. calls_seen() counts such calls, those of forked children included. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char call[16], below[PATH_MAX];
static int number, lasting;
static long failing;
static long *seen;

__attribute__((constructor)) static void start(void) {
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void arm(const char *name, const char *folder, int error, long nth, int all_later) {
    *seen = 0;
    number = error, failing = nth, lasting = all_later;
    snprintf(below, sizeof below, "%s", folder);
    snprintf(call, sizeof call, "%s", name);
}

long calls_seen(void) { return *seen; }

static int is_below(const char *path) { return strncmp(path, below, strlen(below)) == 0; }

static int fails(void) {
    long now = __atomic_add_fetch(seen, 1, __ATOMIC_SEQ_CST);
    if (now != failing && !(lasting && failing && now > failing)) return 0;
    errno = number;
    return 1;
}

static int fails_at_path(const char *name, int folder, const char *path) {
    if (strcmp(call, name) != 0 || path == NULL) return 0;
    char whole[2 * PATH_MAX], link[64];
    if (path[0] == '/') return is_below(path) && fails();
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, whole, PATH_MAX);
    if (length < 0) return 0;
    snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
    return is_below(whole) && fails();
}

static int fails_at(const char *name, int descriptor) {
    if (strcmp(call, name) != 0 || descriptor < 0) return 0;
    char path[PATH_MAX + 1], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path) && fails();
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return fails_at_path("open", AT_FDCWD, path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        return fails_at_path("open", folder, path) ? -1 : real(folder, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

DIR *opendir(const char *path) {
    REAL(DIR *, "opendir", const char *);
    return fails_at_path("open", AT_FDCWD, path) ? NULL : real(path);
}

#define PATH(kind, name, result, parameters, folder, path, arguments) \
    result name parameters { \
        REAL(result, #name, TYPES parameters); \
        return fails_at_path(kind, folder, path) ? -1 : real arguments; \
    }
#define TYPES(...) __VA_ARGS__
PATH("rename", rename, int, (const char *from, const char *to), AT_FDCWD, to, (from, to))
PATH("rename", renameat, int, (int a, const char *from, int b, const char *to), b, to, (a, from, b, to))
PATH("rename", renameat2, int, (int a, const char *from, int b, const char *to, unsigned flags), b, to,
     (a, from, b, to, flags))
PATH("unlink", unlink, int, (const char *path), AT_FDCWD, path, (path))
PATH("unlink", rmdir, int, (const char *path), AT_FDCWD, path, (path))
PATH("unlink", unlinkat, int, (int folder, const char *path, int flags), folder, path, (folder, path, flags))
PATH("mkdir", mkdir, int, (const char *path, mode_t mode), AT_FDCWD, path, (path, mode))

#define DESCRIPTOR(kind, name, result, failure, parameters, descriptor, arguments) \
    result name parameters { \
        REAL(result, #name, TYPES parameters); \
        return fails_at(kind, descriptor) ? failure : real arguments; \
    }
DESCRIPTOR("read", read, ssize_t, -1, (int fd, void *bytes, size_t size), fd, (fd, bytes, size))
DESCRIPTOR("read", pread, ssize_t, -1, (int fd, void *bytes, size_t size, off_t at), fd, (fd, bytes, size, at))
DESCRIPTOR("read", pread64, ssize_t, -1, (int fd, void *bytes, size_t size, off_t at), fd, (fd, bytes, size, at))
DESCRIPTOR("write", write, ssize_t, -1, (int fd, const void *bytes, size_t size), fd, (fd, bytes, size))
DESCRIPTOR("write", pwrite, ssize_t, -1, (int fd, const void *bytes, size_t size, off_t at), fd, (fd, bytes, size, at))
DESCRIPTOR("write", pwrite64, ssize_t, -1, (int fd, const void *bytes, size_t size, off_t at), fd,
           (fd, bytes, size, at))
DESCRIPTOR("write", ftruncate, int, -1, (int fd, off_t size), fd, (fd, size))
DESCRIPTOR("write", ftruncate64, int, -1, (int fd, off_t size), fd, (fd, size))
DESCRIPTOR("write", copy_file_range, ssize_t, -1,
           (int fd, off_t *from, int to, off_t *at, size_t size, unsigned flags), to, (fd, from, to, at, size, flags))
DESCRIPTOR("write", sendfile, ssize_t, -1, (int to, int fd, off_t *at, size_t size), to, (to, fd, at, size))
DESCRIPTOR("write", sendfile64, ssize_t, -1, (int to, int fd, off_t *at, size_t size), to, (to, fd, at, size))
DESCRIPTOR("fsync", fsync, int, -1, (int fd), fd, (fd))
DESCRIPTOR("fsync", fdatasync, int, -1, (int fd), fd, (fd))
DESCRIPTOR("lock", flock, int, -1, (int fd, int operation), fd, (fd, operation))
DESCRIPTOR("mmap", mmap, void *, MAP_FAILED, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
           fd, (at, size, protection, flags, fd, offset))
DESCRIPTOR("mmap", mmap64, void *, MAP_FAILED, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
           fd, (at, size, protection, flags, fd, offset))

#define FCNTL(name) \
    int name(int fd, int command, ...) { \
        REAL(int, #name, int, int, ...); \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        int locks = command == F_SETLK || command == F_SETLKW; \
        return locks && fails_at("lock", fd) ? -1 : real(fd, command, argument); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* The C library reads its streams without the read() above. */
size_t fread(void *bytes, size_t size, size_t count, FILE *stream) {
    REAL(size_t, "fread", void *, size_t, size_t, FILE *);
    if (fails_at("read", fileno(stream))) {
        stream->_flags |= 0x20; /* as ferror() looks for it */
        return 0;
    }
    return real(bytes, size, count, stream);
}

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *stream) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (fails_at("write", fileno(stream))) {
        stream->_flags |= 0x20;
        return 0;
    }
    return real(bytes, size, count, stream);
}
