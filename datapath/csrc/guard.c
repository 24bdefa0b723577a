#include "datapath/csrc/guard.h"

#include <pthread.h>
#include <signal.h>

#define PAGE_BYTES 4096 /* the smallest there is: on larger pages it touches some twice */

static const int signals[] = {SIGSEGV, SIGBUS};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned int users;
static bool installed;
static struct sigaction previous[DP_ARRAY_SIZE(signals)];

__thread struct dp_guard_thread dp_guard_self __attribute__((tls_model("initial-exec")));

/* A fault while its signal is blocked kills the process: let both through, once for each thread. */
void dp_guard_thread_init(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < DP_ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	dp_guard_self.ready = true;
}

/* Was it the guarded access? Not a signal that somebody sent, not a fault elsewhere, of a handler above us say. */
static bool is_ours(const siginfo_t *info)
{
	const struct dp_guard_thread *t = &dp_guard_self;

	if (!t->len || info->si_code <= 0)
		return false;
	if (info->si_code == SI_KERNEL) /* an address that no page can have: the processor does not say which */
		return true;
	return (uintptr_t)info->si_addr - t->from < t->len;
}

/* Does what would have happened without us. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	struct sigaction *prev = &previous[sig == SIGBUS];
	sigset_t mask = prev->sa_mask, old;

	if (!(prev->sa_flags & SA_SIGINFO) && (prev->sa_handler == SIG_DFL || prev->sa_handler == SIG_IGN)) {
		if (prev->sa_handler == SIG_IGN && info->si_code <= 0)
			return;
		/* The faulting instruction runs again, now to its end; what was sent is sent again. */
		sigaction(sig, prev, NULL);
		if (info->si_code <= 0)
			raise(sig);
		return;
	}
	if (!(prev->sa_flags & SA_NODEFER))
		sigaddset(&mask, sig);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	if (prev->sa_flags & SA_SIGINFO)
		prev->sa_sigaction(sig, info, context);
	else
		prev->sa_handler(sig);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	if (!is_ours(info)) {
		pass_on(sig, info, context);
		return;
	}
	dp_guard_self.len = 0;
#ifdef DP_GUARD_LIBC_JUMP
	siglongjmp(dp_guard_self.env, 1);
#else
	__builtin_longjmp(dp_guard_self.env, 1);
#endif
}

static bool is_handler(int sig)
{
	struct sigaction now;

	return sigaction(sig, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault;
}

static int install(void)
{
	/* NODEFER: the jump out of the handler leaves the mask as it is. ONSTACK: a previous handler may need it. */
	struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < DP_ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &act, &previous[i]))
			return -errno;
	installed = true;
	return 0;
}

/* A child may acquire, too: it must not find the lock held by a thread that it does not have. */
static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

int dp_guard_acquire(void)
{
	int err = 0;

	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&lock);
	/* Still installed without users: somebody installed a handler above ours, and passes faults on to it. */
	if (!installed)
		err = install();
	if (!err)
		users++;
	pthread_mutex_unlock(&lock);
	return err;
}

void dp_guard_release(void)
{
	pthread_mutex_lock(&lock);
	users--;
	if (!users && is_handler(SIGSEGV) && is_handler(SIGBUS)) {
		for (size_t i = 0; i < DP_ARRAY_SIZE(signals); i++)
			sigaction(signals[i], &previous[i], NULL);
		installed = false;
	}
	pthread_mutex_unlock(&lock);
}

bool dp_guard_read(void *dst, const void *guarded, size_t len)
{
	if (!dp_guard_enter(guarded, len))
		return false;
	memcpy(dst, guarded, len);
	dp_guard_leave();
	return true;
}

bool dp_guard_write(void *guarded, const void *src, size_t len)
{
	if (!dp_guard_enter(guarded, len))
		return false;
	memcpy(guarded, src, len);
	dp_guard_leave();
	return true;
}

/* The next byte to touch after p: the first of the next page. Functions of their own: a jump out of them loses no local. */
static inline uintptr_t next_page(uintptr_t p)
{
	return (p | (PAGE_BYTES - 1)) + 1;
}

static __attribute__((noinline)) void read_pages(uintptr_t p, uintptr_t last)
{
	do
		(void)*(const volatile uint8_t *)p;
	while ((p = next_page(p)) && p <= last); /* after the end of the address space comes 0 */
}

static __attribute__((noinline)) void write_pages(uintptr_t p, uintptr_t last)
{
	do {
		uint8_t v = *(const volatile uint8_t *)p;

		/* Not "or 0", which a compiler may make a load. */
		__atomic_compare_exchange_n((uint8_t *)p, &v, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	} while ((p = next_page(p)) && p <= last);
}

bool dp_guard_readable(const void *guarded, size_t len)
{
	if (!len)
		return true;
	if (!dp_guard_enter(guarded, len))
		return false;
	read_pages((uintptr_t)guarded, (uintptr_t)guarded + len - 1);
	dp_guard_leave();
	return true;
}

bool dp_guard_writable(void *guarded, size_t len)
{
	if (!len)
		return true;
	if (!dp_guard_enter(guarded, len))
		return false;
	write_pages((uintptr_t)guarded, (uintptr_t)guarded + len - 1);
	dp_guard_leave();
	return true;
}
