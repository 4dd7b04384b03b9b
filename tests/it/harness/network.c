/* What the binary takes for the network: names are what the test says, one public address leads to this machine, and
   every address that is connected to is written down. Loaded before the C library (LD_PRELOAD). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PUBLIC "192.31.196.1"
#define STAND_IN "127.0.0.2"

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef int (*connector)(int, const struct sockaddr *, socklen_t);

static atomic_int turns;

static void note(const char *what, int port) {
    const char *path = getenv("NETWORK_LOG");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file < 0) return;
    dprintf(file, "%s %d\n", what, port);
    close(file);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    resolver real = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name) return real(name, service, hints, found);
    if (!strcmp(name, "public.example")) return real(PUBLIC, service, hints, found);
    if (!strcmp(name, "private.example")) return real("127.0.0.1", service, hints, found);
    if (!strcmp(name, "metadata.example")) return real("169.254.169.254", service, hints, found);
    if (!strcmp(name, "turning.example"))
        return real(atomic_fetch_add(&turns, 1) % 2 ? "127.0.0.1" : PUBLIC, service, hints, found);
    if (!strcmp(name, "both.example")) {
        struct addrinfo *second = NULL;
        int failed = real("127.0.0.1", service, hints, found) || real(PUBLIC, service, hints, &second);
        if (failed) return EAI_FAIL;
        struct addrinfo *last = *found;
        while (last->ai_next) last = last->ai_next;
        last->ai_next = second;
        return 0;
    }
    return real(name, service, hints, found);
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    connector real = (connector)dlsym(RTLD_NEXT, "connect");
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
        note(text, ntohs(six->sin6_port));
    } else if (address->sa_family == AF_INET) {
        struct sockaddr_in four = *(const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
        note(text, ntohs(four.sin_port));
        if (!strcmp(text, PUBLIC)) {
            inet_pton(AF_INET, STAND_IN, &four.sin_addr);
            return real(socket, (const struct sockaddr *)&four, sizeof four);
        }
    }
    return real(socket, address, length);
}
