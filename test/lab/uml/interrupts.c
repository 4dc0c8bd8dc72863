/*
 * Loaded before the C library into User Mode Linux (7.2), which loses interrupts in two ways. A lost one of a disk
 * leaves a write standing for seconds, until the next one of the same disk.
 *
 * 1. Its handler asks epoll for up to 64 events, into one array for all. An interrupt that comes while one of them is
 *    handled asks again, into the same array, and the rest of the first answer is gone; edge triggered, it is not told
 *    again. So: one event at a time.
 * 2. It goes to sleep, in poll, without another look at whether an interrupt came since it turned interrupts off; that
 *    one waits for the next timer. So: the sleep ends when epoll has an event, too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <sys/epoll.h>

/* The library's own are called, not the system calls: a thread that waits in them can be cancelled. */
static int (*real_epoll_wait)(int, struct epoll_event *, int, int);
static int (*real_poll)(struct pollfd *, nfds_t, int);

__attribute__((constructor)) static void find_real(void) {
  real_epoll_wait = dlsym(RTLD_NEXT, "epoll_wait");
  real_poll = dlsym(RTLD_NEXT, "poll");
}

/* Of the thread that handles interrupts and sleeps; the disk's threads use poll as well and are left alone. */
static __thread int interrupts = -1;

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
  interrupts = epoll;
  return real_epoll_wait(epoll, events, most > 1 ? 1 : most, timeout);
}

int poll(struct pollfd *files, nfds_t count, int timeout) {
  if (interrupts < 0 || count != 1)
    return real_poll(files, count, timeout);
  struct pollfd both[2] = {files[0], {.fd = interrupts, .events = POLLIN}};
  int ready = real_poll(both, 2, timeout);
  files[0].revents = both[0].revents;
  return ready;
}
