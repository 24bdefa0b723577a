/*
 * What the kernel alone takes for a direct copy: two processes that poll their own memory and write 8 bytes into each
 * other's by process_vm_writev(). Prints half a round trip as JSON. Arguments: round trips; or copies and their
 * size, for the bandwidth.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t word; /* at the same address in both */

static void put(pid_t to, uint64_t value)
{
	struct iovec own = {&value, sizeof(value)}, far = {(void *)(uintptr_t)&word, sizeof(word)};

	if (process_vm_writev(to, &own, 1, &far, 1, 0) != sizeof(value)) {
		perror("process_vm_writev");
		exit(1);
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * How fast `bytes` go into another process: by process_vm_writev(), and by a copy into memory that both have mapped, which is
 * what regions backed by a memfd would allow. The other one sleeps.
 */
static int bandwidth(size_t bytes, uint64_t n)
{
	char *own = aligned_alloc(4096, (bytes + 4095) & ~4095ul);
	char *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v = {own, bytes}, far = {private, bytes};
	uint64_t start, took[2];
	pid_t child;

	if (!own || shared == MAP_FAILED || private == MAP_FAILED)
		return 1;
	memset(own, 1, bytes);
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		memset(private, 2, bytes);
		memset(shared, 2, bytes);
		pause();
		_exit(0);
	}
	usleep(100000);
	start = now_ns();
	for (uint64_t i = 0; i < n; i++)
		if (process_vm_writev(child, &v, 1, &far, 1, 0) != (ssize_t)bytes)
			return 1;
	took[0] = now_ns() - start;
	start = now_ns();
	for (uint64_t i = 0; i < n; i++) {
		memcpy(shared, own, bytes);
		__asm__ volatile("" : : "r"(shared) : "memory");
	}
	took[1] = now_ns() - start;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("{\"process_vm_writev_gigabytes_per_s\": %.2f, \"shared_mapping_gigabytes_per_s\": %.2f}\n",
	       (double)bytes * (double)n / (double)took[0], (double)bytes * (double)n / (double)took[1]);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 100000, start, took;
	pid_t parent = getpid(), child;

	if (argc > 2)
		return bandwidth(strtoull(argv[2], NULL, 0), n);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		for (uint64_t i = 1; i <= n; i++) {
			while (word != i)
				;
			put(parent, i);
		}
		_exit(0);
	}
	start = now_ns();
	for (uint64_t i = 1; i <= n; i++) {
		put(child, i);
		while (word != i)
			;
	}
	took = now_ns() - start;
	waitpid(child, NULL, 0);
	printf("{\"half_round_trip_ns\": %.1f, \"round_trips\": %llu}\n", (double)took / (double)n / 2,
	       (unsigned long long)n);
	return 0;
}
