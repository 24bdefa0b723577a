/*
 * Access to memory that may vanish: pages of an application that unmaps them, or cuts the file under a mapping,
 * while packets read and write them. The fault becomes `false` instead of a signal that kills the program.
 *
 * SIGSEGV and SIGBUS have one disposition for the whole process, so this is the one part below the drivers that has
 * process-wide state, and it has an owner: whoever drives a device holds it between dp_guard_acquire() and
 * dp_guard_release(). The first acquire installs the handlers, the last release puts back what was there. A fault
 * that is no guarded access's goes to the handler that was there before, with its mask, or ends the program as ever.
 * A program that installs handlers later and does not pass on what is not its own takes the protection away.
 * Without an owner the functions below work, and a fault is fatal.
 *
 * A guarded access costs a few nanoseconds: the thread notes the range and where to return to. They do not nest.
 * To guard more than these functions do, in a function that is not inlined:
 *
 *	if (!dp_guard_enter(addr, len))
 *		return false;	// a fault in [addr, addr + len); locals changed since enter() have no value
 *	...
 *	dp_guard_leave();
 */
#ifndef DP_GUARD_H
#define DP_GUARD_H

#include <setjmp.h>

#include "datapath/csrc/base.h"

int dp_guard_acquire(void); /* 0 or -errno */
void dp_guard_release(void);

/* Copies out of and into guarded memory. False: a fault; what was copied before it stays. */
bool dp_guard_read(void *dst, const void *guarded, size_t len);
bool dp_guard_write(void *guarded, const void *src, size_t len);

/* Reads a byte of each page. True: all of it was there a moment ago. */
bool dp_guard_readable(const void *guarded, size_t len);
/* The same for writing, without changing a byte. */
bool dp_guard_writable(void *guarded, size_t len);

/*
 * DP_GUARD_LIBC_JUMP: sigsetjmp()'s second argument, where its jumps are used. Sanitizers keep books of stack frames
 * and follow only libc's; ThreadSanitizer blocks every signal in a handler, so that the jump has to restore the mask.
 * The compiler's own jumps, which save two registers and the place, are for the machines where every compiler has them.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DP_GUARD_LIBC_JUMP 0
#elif __has_feature(thread_sanitizer)
#define DP_GUARD_LIBC_JUMP 1
#endif
#endif
#if !defined(DP_GUARD_LIBC_JUMP)
#if defined(__SANITIZE_THREAD__)
#define DP_GUARD_LIBC_JUMP 1
#elif defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__)
#define DP_GUARD_LIBC_JUMP 0
#endif
#endif

struct dp_guard_thread {
	uintptr_t from;
	size_t len; /* 0: no access is guarded now */
	bool ready; /* the thread lets the signals through */
#ifdef DP_GUARD_LIBC_JUMP
	sigjmp_buf env;
#else
	void *env[5];
#endif
};

/* Static TLS: the handler must not be the first to touch it, which could allocate. */
extern __thread struct dp_guard_thread dp_guard_self __attribute__((tls_model("initial-exec")));

void dp_guard_thread_init(void);

static inline void dp_guard_note(const void *addr, size_t len)
{
	if (dp_unlikely(!dp_guard_self.ready))
		dp_guard_thread_init();
	dp_guard_self.from = (uintptr_t)addr;
	dp_guard_self.len = len;
}

static inline void dp_guard_leave(void)
{
	__asm__ volatile("" ::: "memory");
	dp_guard_self.len = 0;
}

#ifdef DP_GUARD_LIBC_JUMP
#define dp_guard_enter(addr, len) (dp_guard_note(addr, len), !sigsetjmp(dp_guard_self.env, DP_GUARD_LIBC_JUMP))
#else
#define dp_guard_enter(addr, len) (dp_guard_note(addr, len), dp_likely(!__builtin_setjmp(dp_guard_self.env)))
#endif

#endif
