/* Guarded access: pages that are not there give false, whatever took them away; other faults go where they went. */
#include "datapath/csrc/guard.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/c/check.h"

static size_t page;

/* `n` readable and writable pages, and one behind them that nobody may touch nor get. */
static uint8_t *pages(size_t n)
{
	uint8_t *p = mmap(NULL, (n + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + n * page, page, PROT_NONE);
	return p;
}

static void test_present_memory_is_copied(void)
{
	uint8_t *p = pages(2), buf[100];

	memset(p, 7, 2 * page);
	CHECK(dp_guard_read(buf, p + page - 50, sizeof(buf)));
	CHECK_MEM(buf, p, sizeof(buf));
	CHECK(dp_guard_write(p + 2 * page - 4, "wxyz", 4));
	CHECK_MEM(p + 2 * page - 4, "wxyz", 4);
	CHECK(dp_guard_readable(p, 2 * page));
	CHECK(dp_guard_writable(p, 2 * page));
	CHECK_EQ(p[0], 7);
	CHECK(dp_guard_readable(NULL, 0) && dp_guard_writable(NULL, 0));
	munmap(p, 2 * page);
}

static void test_a_hole_is_an_answer(void)
{
	uint8_t *p = pages(2), buf[100];

	for (int again = 0; again < 3; again++) { /* the signal is not left blocked */
		CHECK(!dp_guard_read(buf, p + 2 * page - 50, sizeof(buf)));
		CHECK(!dp_guard_write(p + 2 * page - 50, buf, sizeof(buf)));
		CHECK(!dp_guard_readable(p, 2 * page + 1));
		CHECK(!dp_guard_writable(p, 2 * page + 1));
	}
	munmap(p, page);
	CHECK(!dp_guard_readable(p, 2 * page));
	CHECK(dp_guard_readable(p + page, page));
	munmap(p + page, page);
}

static void test_read_only_memory_is_not_written(void)
{
	uint8_t *p = pages(1);

	memset(p, 1, page);
	mprotect(p, page, PROT_READ);
	CHECK(!dp_guard_write(p, "x", 1));
	CHECK(!dp_guard_writable(p, page));
	CHECK(dp_guard_readable(p, page));
	CHECK_EQ(*p, 1);
	mprotect(p, page, PROT_NONE);
	CHECK(!dp_guard_readable(p, 1));
	munmap(p, page);
}

static void test_a_file_cut_short_is_an_answer(void)
{
	int fd = memfd_create("guard", 0);
	uint8_t *p, buf[8];

	CHECK_EQ(ftruncate(fd, (off_t)(2 * page)), 0);
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(dp_guard_writable(p, 2 * page));
	CHECK_EQ(ftruncate(fd, (off_t)page), 0);
	CHECK(!dp_guard_readable(p, 2 * page));
	CHECK(!dp_guard_read(buf, p + page, 8));
	CHECK(!dp_guard_write(p + page, buf, 8));
	CHECK(dp_guard_read(buf, p + page - 8, 8));
	munmap(p, 2 * page);
	close(fd);
}

static void test_addresses_that_no_page_can_have(void)
{
	uint8_t buf[8];

	CHECK(!dp_guard_read(buf, (void *)(uintptr_t)8, 8));
	CHECK(!dp_guard_readable((void *)(uintptr_t)8, 8));
	CHECK(!dp_guard_readable((void *)(uintptr_t)0x8000000000000000u, 8)); /* not canonical: no si_addr */
	CHECK(!dp_guard_readable((void *)(UINTPTR_MAX - 7), 8));
}

static void *all_blocked(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	return dp_guard_readable(arg, page + 1) ? arg : NULL;
}

static void test_a_thread_that_blocks_every_signal(void)
{
	uint8_t *p = pages(1);
	pthread_t thread;
	void *there = p;

	CHECK_EQ(pthread_create(&thread, NULL, all_blocked, p), 0);
	pthread_join(thread, &there);
	CHECK(!there);
	munmap(p, page);
}

/* What another process' faults and signals end in: its exit status. */
static int status_of(void (*run)(uint8_t *), uint8_t *arg)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		run(arg);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void say_and_exit(int sig, siginfo_t *info, void *context)
{
	sigset_t mask;

	(void)context;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	_exit(sigismember(&mask, sig) && sigismember(&mask, SIGUSR1) ? 40 + (info->si_addr != NULL) : 50);
}

static void with_handler_below(void (*run)(uint8_t *), uint8_t *arg)
{
	struct sigaction act = {.sa_sigaction = say_and_exit, .sa_flags = SA_SIGINFO};

	dp_guard_release();
	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	CHECK_EQ(dp_guard_acquire(), 0);
	run(arg);
}

static void with_none_below(void (*run)(uint8_t *), uint8_t *arg)
{
	dp_guard_release();
	signal(SIGSEGV, SIG_DFL); /* a sanitizer has one */
	signal(SIGBUS, SIG_DFL);
	CHECK_EQ(dp_guard_acquire(), 0);
	run(arg);
}

static void fault(uint8_t *p)
{
	*(volatile uint8_t *)(p + page) = 1;
}

static void fault_elsewhere_while_guarded(uint8_t *p)
{
	if (dp_guard_enter(p, page))
		fault(p);
}

static void fault_after_a_guarded_one(uint8_t *p)
{
	CHECK(!dp_guard_readable(p, page + 1));
	fault(p);
}

static void sent(uint8_t *p)
{
	(void)p;
	kill(getpid(), SIGSEGV);
}

static void sent_while_guarded(uint8_t *p)
{
	if (dp_guard_enter(p, page))
		sent(p);
}

static void (*const foreign[])(uint8_t *) = {fault, fault_elsewhere_while_guarded, fault_after_a_guarded_one, sent,
					     sent_while_guarded};
static size_t which;

static void below(uint8_t *p)
{
	with_handler_below(foreign[which], p);
}

static void none_below(uint8_t *p)
{
	with_none_below(foreign[which], p);
}

static void test_other_faults_go_where_they_went(void)
{
	uint8_t *p = pages(1);

	for (which = 0; which < DP_ARRAY_SIZE(foreign); which++) {
		CHECK_EQ(status_of(below, p), -41);
		CHECK_EQ(status_of(none_below, p), SIGSEGV);
	}
	munmap(p, page);
}

static void ignored(uint8_t *p)
{
	dp_guard_release();
	signal(SIGSEGV, SIG_IGN);
	CHECK_EQ(dp_guard_acquire(), 0);
	sent(p);
	_exit(dp_guard_readable(p, page + 1) ? 4 : 3);
}

static void test_a_sent_signal_stays_ignored(void)
{
	uint8_t *p = pages(1);

	CHECK_EQ(status_of(ignored, p), -3); /* and takes no protection away */
	munmap(p, page);
}

static void test_the_last_owner_puts_back_what_was_there(void)
{
	struct sigaction before = {.sa_sigaction = say_and_exit, .sa_flags = SA_SIGINFO}, now, kept;

	dp_guard_release(); /* main's */
	sigaction(SIGSEGV, &before, &kept);
	CHECK_EQ(dp_guard_acquire(), 0);
	CHECK_EQ(dp_guard_acquire(), 0);
	dp_guard_release();
	sigaction(SIGSEGV, NULL, &now);
	CHECK(now.sa_sigaction != say_and_exit);
	dp_guard_release();
	sigaction(SIGSEGV, NULL, &now);
	CHECK(now.sa_sigaction == say_and_exit);
	sigaction(SIGSEGV, &kept, NULL);
	CHECK_EQ(dp_guard_acquire(), 0);
}

/* A program's handler that passes on what is not its own. */
static struct sigaction above;

static void passes_on(int sig, siginfo_t *info, void *context)
{
	above.sa_sigaction(sig, info, context);
}

static void test_a_handler_above_that_passes_on(void)
{
	struct sigaction act = {.sa_sigaction = passes_on, .sa_flags = SA_SIGINFO | SA_NODEFER}, now;
	uint8_t *p = pages(1);

	sigaction(SIGSEGV, &act, &above);
	dp_guard_release(); /* the chain is not broken, nor doubled by the next owner */
	CHECK_EQ(dp_guard_acquire(), 0);
	CHECK(!dp_guard_readable(p, page + 1));
	sigaction(SIGSEGV, NULL, &now);
	CHECK(now.sa_sigaction == passes_on);
	sigaction(SIGSEGV, &above, NULL);
	CHECK(!dp_guard_readable(p, page + 1));
	munmap(p, page);
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	CHECK_EQ(dp_guard_acquire(), 0);
	RUN(test_present_memory_is_copied);
	RUN(test_a_hole_is_an_answer);
	RUN(test_read_only_memory_is_not_written);
	RUN(test_a_file_cut_short_is_an_answer);
	RUN(test_addresses_that_no_page_can_have);
	RUN(test_a_thread_that_blocks_every_signal);
	RUN(test_other_faults_go_where_they_went);
	RUN(test_a_sent_signal_stays_ignored);
	RUN(test_the_last_owner_puts_back_what_was_there);
	RUN(test_a_handler_above_that_passes_on);
	dp_guard_release();
	return check_done();
}
