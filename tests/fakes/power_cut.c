/* What survives a power cut is exactly what was fsynced: after each successful fsync or fdatasync of
 * a file in $DURA_DIR, its content is copied to $DURA_SHADOW, and files unlinked since are dropped
 * there too. The test then opens the shadow. No torn or reordered sectors, no lost directory entry. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int file_in(const char *dir, int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  size_t prefix = strlen(dir);
  return !strncmp(path, dir, prefix) && path[prefix] == '/';
}

static void copy(const char *from, const char *to) {
  char buffer[65536], draft[PATH_MAX + 8];
  snprintf(draft, sizeof draft, "%s.draft", to);
  int in = open(from, O_RDONLY), out = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (in < 0 || out < 0) abort();
  for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
    if (write(out, buffer, n) != n) abort();
  close(in);
  close(out);
  if (rename(draft, to)) abort();
}

static void drop_unlinked(const char *dir, const char *shadow) {
  char real[PATH_MAX], kept[PATH_MAX];
  DIR *listing = opendir(shadow);
  for (struct dirent *entry; listing && (entry = readdir(listing));) {
    if (entry->d_name[0] == '.' || strstr(entry->d_name, ".draft")) continue;
    snprintf(real, sizeof real, "%s/%s", dir, entry->d_name);
    snprintf(kept, sizeof kept, "%s/%s", shadow, entry->d_name);
    if (access(real, F_OK)) unlink(kept);
  }
  if (listing) closedir(listing);
}

static void survive(int fd) {
  const char *dir = getenv("DURA_DIR"), *shadow = getenv("DURA_SHADOW");
  char path[PATH_MAX], kept[PATH_MAX + 64];
  if (!dir || !shadow || !file_in(dir, fd, path)) return;
  snprintf(kept, sizeof kept, "%s/%s", shadow, strrchr(path, '/') + 1);
  pthread_mutex_lock(&one_at_a_time);
  copy(path, kept);
  drop_unlinked(dir, shadow);
  pthread_mutex_unlock(&one_at_a_time);
}

#define WRAP(name)                                  \
  int name(int fd) {                                \
    static int (*real)(int);                        \
    if (!real) real = dlsym(RTLD_NEXT, #name);      \
    int result = real(fd);                          \
    if (!result) survive(fd);                       \
    return result;                                  \
  }
WRAP(fsync)
WRAP(fdatasync)
