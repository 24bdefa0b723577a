/*
 * Fault injection, see port_fault.h.
 *
 * Each direction is a lane. A frame's fate is drawn once, with all the numbers that carrying it out needs, and then
 * executed when the frame passes: on receive at once, on transmit when the inner port has taken the frame's place.
 * The two are apart because prepare() and tx() are, and because an inner port that is busy must not make us draw
 * (or count a rule's match) twice. What is late waits in the lane's timing wheel; reordered copies are also in a list
 * that counts the frames which pass them.
 */
#include <stdlib.h>

#include "datapath/csrc/port_fault.h"
#include "datapath/csrc/rng.h"
#include "datapath/csrc/wheel.h"

#define RULES_MAX 32
#define FATES_MAX 256 /* frames of one prepare()/tx() */
#define RX_BATCH  64
#define RETRY_PS  (10 * DP_US) /* the inner port was busy and did not say until when */
#define PPB       1000000000U

enum fate_kind { PASS, DROP, DUP, CORRUPT, REORDER, DELAY, MARK };

struct fate {
	uint8_t kind;
	uint32_t tag;    /* tells whether the frame given next is the one it was drawn for */
	uint64_t number; /* CORRUPT: seed of the bits; DELAY: ps */
};

/* A frame of our own. Waiting: timer armed. */
struct copy {
	struct dp_frame f;
	struct dp_timer timer;
	struct copy *next, **pprev; /* in lane->reordered, or in port->returned */
	uint32_t after;             /* frames still to pass */
	uint8_t bytes[];
};

struct lane {
	uint32_t dir;
	struct dp_rng rng;
	struct dp_wheel late;
	struct copy *reordered;
};

struct rule {
	struct dp_fault_rule r;
	uint64_t matches, hits;
};

struct fault_port {
	struct dp_port p;
	struct dp_fault_cfg cfg;
	struct rule rule[RULES_MAX];
	uint32_t nrules;
	struct lane tx, rx;
	struct fate fate[FATES_MAX]; /* of the next frames to transmit */
	int nfates;
	struct copy *returned; /* given out by the last rx() */
	uint32_t held;
	uint64_t no_room;
	struct copy *stuck; /* due for transmission, but the inner port was busy; before all that waits */
	uint64_t retry_ps;  /* when to try it again */
};

static struct fault_port *fault_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct fault_port, p);
}

/* --- copies --- */

static void copy_unlink(struct copy *c)
{
	if (!c->pprev)
		return;
	*c->pprev = c->next;
	if (c->next)
		c->next->pprev = c->pprev;
	c->pprev = NULL;
}

static void copy_link(struct copy **list, struct copy *c)
{
	c->next = *list;
	c->pprev = list;
	if (c->next)
		c->next->pprev = &c->next;
	*list = c;
}

static struct copy *copy_new(struct fault_port *fp, const struct dp_frame *f)
{
	struct copy *c = NULL;

	if (fp->held < fp->cfg.max_held)
		c = malloc(sizeof(*c) + f->len);
	if (!c) {
		fp->no_room++;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->f = *f;
	c->f.data = c->bytes;
	c->f.cap = f->len;
	if (f->len)
		memcpy(c->bytes, f->data, f->len);
	fp->held++;
	return c;
}

static void copy_free(struct fault_port *fp, struct copy *c)
{
	copy_unlink(c);
	free(c);
	fp->held--;
}

/* One to three different bits of the IP packet, or of what follows UDP. */
static void copy_corrupt(const struct fault_port *fp, struct copy *c, uint64_t seed)
{
	uint32_t first = fp->cfg.data_only ? c->f.l3_len * 8U : 0;
	uint32_t bits = dp_frame_bytes(&c->f) * 8 - first;
	uint32_t done[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX};
	struct dp_rng rng;
	uint32_t at, n, i;

	if (!bits)
		return;
	dp_rng_seed(&rng, seed);
	n = 1 + (uint32_t)dp_rng_below(&rng, DP_MIN(3U, bits));
	for (i = 0; i < n;) {
		at = first + (uint32_t)dp_rng_below(&rng, bits);
		if (at == done[0] || at == done[1])
			continue; /* flipped twice is not flipped */
		done[i++] = at;
		if (at / 8 < c->f.l3_len)
			c->f.l3[at / 8] ^= (uint8_t)(1 << at % 8);
		else
			c->bytes[at / 8 - c->f.l3_len] ^= (uint8_t)(1 << at % 8);
	}
}

/* IPv4: the second byte, under the header's checksum. IPv6: the traffic class lies across the first two. No ICRC. */
static void copy_mark(struct copy *c)
{
	uint8_t *ip = c->f.l3;

	if (c->f.l3_len < 20)
		return;
	if (ip[0] >> 4 == 4 && ip[1] & 3) {
		ip[1] |= 3;
		dp_put_be16(ip + 10, dp_ip4_checksum(ip));
	} else if (ip[0] >> 4 == 6 && ip[1] & 0x30) {
		ip[1] |= 0x30;
	}
}

/* --- fates --- */

static bool rule_fits(const struct dp_fault_rule *r, const struct dp_frame *f, uint32_t dir)
{
	uint32_t i;

	if (!(r->dir & dir) || r->offset > f->len || r->len > f->len - r->offset)
		return false;
	for (i = 0; i < r->len; i++)
		if ((f->data[r->offset + i] & r->mask[i]) != (r->value[i] & r->mask[i]))
			return false;
	return true;
}

static const uint8_t kind_of_action[] = {
	[DP_FAULT_NONE] = PASS,       [DP_FAULT_DROP] = DROP,   [DP_FAULT_DUP] = DUP,
	[DP_FAULT_CORRUPT] = CORRUPT, [DP_FAULT_DELAY] = DELAY, [DP_FAULT_MARK_CE] = MARK,
};

static bool draw_by_rule(struct fault_port *fp, struct lane *lane, const struct dp_frame *f, struct fate *fate)
{
	bool acted = false;
	struct rule *rule;
	uint64_t nth;
	uint32_t i;

	for (i = 0; i < fp->nrules; i++) {
		rule = &fp->rule[i];
		if (!rule_fits(&rule->r, f, lane->dir))
			continue;
		nth = rule->matches++;
		if (acted || nth < rule->r.skip || (rule->r.count && nth - rule->r.skip >= rule->r.count))
			continue;
		rule->hits++;
		acted = true;
		fate->kind = kind_of_action[rule->r.action];
		fate->number = fate->kind == DELAY ? rule->r.delay_ps : dp_rng_next(&lane->rng);
	}
	return acted;
}

static void draw(struct fault_port *fp, struct lane *lane, const struct dp_frame *f, struct fate *fate)
{
	const struct dp_fault_cfg *cfg = &fp->cfg;
	struct dp_rng *rng = &lane->rng;

	memset(fate, 0, sizeof(*fate));
	if (draw_by_rule(fp, lane, f, fate) || !(cfg->dir & lane->dir))
		return;
	if (dp_rng_chance_ppb(rng, cfg->loss_ppb)) {
		fate->kind = DROP;
	} else if (dp_rng_chance_ppb(rng, cfg->dup_ppb)) {
		fate->kind = DUP;
	} else if (dp_rng_chance_ppb(rng, cfg->reorder_ppb)) {
		fate->kind = REORDER;
	} else if (dp_rng_chance_ppb(rng, cfg->corrupt_ppb)) {
		fate->kind = CORRUPT;
		fate->number = dp_rng_next(rng);
	} else if (dp_rng_chance_ppb(rng, cfg->delay_ppb)) {
		fate->kind = DELAY;
		/* A span of all 2^64 values would wrap to 0; set() refuses it. */
		fate->number = cfg->delay_min_ps + dp_rng_below(rng, cfg->delay_max_ps - cfg->delay_min_ps + 1);
	}
}

/*
 * The copy that a fate needs, made before anything is committed; NULL: none, or no room, and then the fate becomes
 * PASS. The copy still counts as held.
 */
static struct copy *copy_for(struct fault_port *fp, const struct dp_frame *f, struct fate *fate)
{
	struct copy *c;

	if (fate->kind == PASS || fate->kind == DROP)
		return NULL;
	c = copy_new(fp, f);
	if (!c)
		fate->kind = PASS;
	else if (fate->kind == CORRUPT)
		copy_corrupt(fp, c, fate->number);
	else if (fate->kind == MARK)
		copy_mark(c);
	return c;
}

/* --- what waits --- */

static struct copy *copy_of(struct dp_timer *t)
{
	return DP_CONTAINER_OF(t, struct copy, timer);
}

static void wait_until(struct lane *lane, struct copy *c, uint64_t due_ps)
{
	/* DP_NEVER would never be freed by time, and a frame that is for ever late is lost: 213 days are enough. */
	dp_wheel_arm(&lane->late, &c->timer, DP_MIN(due_ps, DP_NEVER - 1));
}

static void wait_reordered(struct fault_port *fp, struct lane *lane, struct copy *c, uint64_t now_ps)
{
	c->after = fp->cfg.reorder_frames;
	copy_link(&lane->reordered, c);
	wait_until(lane, c, dp_add_ps(now_ps, fp->cfg.reorder_ps));
}

/* One more frame has passed those held back. */
static void passed(struct lane *lane, uint64_t now_ps)
{
	struct copy *c, *next;

	for (c = lane->reordered; c; c = next) {
		next = c->next;
		if (--c->after)
			continue;
		copy_unlink(c);
		wait_until(lane, c, now_ps);
	}
}

static struct copy *next_due(struct lane *lane, uint64_t now_ps)
{
	struct dp_timer *t = dp_wheel_pop(&lane->late, now_ps);

	if (!t)
		return NULL;
	copy_unlink(copy_of(t));
	return copy_of(t);
}

/* Counts a fate as it is carried out, and puts its copy (unless it goes in the frame's place) where it waits. */
static void carry_out(struct fault_port *fp, struct lane *lane, const struct fate *fate, struct copy *c,
		      uint64_t now_ps)
{
	switch (fate->kind) {
	case DROP:
		fp->p.stats.fault_dropped++;
		return;
	case DUP:
		fp->p.stats.fault_duplicated++;
		wait_until(lane, c, now_ps);
		break;
	case CORRUPT:
		fp->p.stats.fault_corrupted++;
		break;
	case MARK:
		fp->p.stats.fault_marked++;
		break;
	case REORDER:
		fp->p.stats.fault_reordered++;
		wait_reordered(fp, lane, c, now_ps);
		return; /* held back: it passes nothing */
	case DELAY:
		fp->p.stats.fault_delayed++;
		wait_until(lane, c, dp_add_ps(now_ps, fate->number));
		return;
	default:
		break;
	}
	passed(lane, now_ps);
}

/* --- transmit --- */

/*
 * Enough to tell frames apart when a driver does not come back with the one we drew for. Only the twelve bytes of a
 * BTH: the ICRC, which may follow at once, is sealed between prepare() and tx().
 */
static uint32_t tag_of(const struct dp_frame *f)
{
	uint32_t tag = f->len * 0x9e3779b1U;
	uint32_t i;

	for (i = 0; i < DP_MIN(f->len, 12U); i++)
		tag = (tag ^ f->data[i]) * 0x01000193U;
	return tag;
}

/* Draws for the first n frames that have no fate yet. */
static void draw_tx(struct fault_port *fp, struct dp_frame **v, int n)
{
	uint32_t tag;
	int i;

	for (i = 0; i < n; i++) {
		tag = tag_of(v[i]);
		if (i < fp->nfates && fp->fate[i].tag == tag)
			continue;
		draw(fp, &fp->tx, v[i], &fp->fate[i]);
		fp->fate[i].tag = tag;
		fp->nfates = i + 1; /* fates after a frame that went away are void */
	}
}

/* The copy goes in the frame's place. */
static bool goes_as_copy(const struct fate *fate)
{
	return fate->kind == CORRUPT || fate->kind == MARK;
}

static bool stays_in_batch(const struct fate *fate)
{
	return fate->kind == PASS || fate->kind == DUP || goes_as_copy(fate);
}

static void fault_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	struct fault_port *fp = fault_of(p);
	struct dp_frame *stay[FATES_MAX];
	int i, nstay = 0;

	n = DP_MIN(n, FATES_MAX);
	draw_tx(fp, v, n);
	for (i = 0; i < n; i++)
		if (stays_in_batch(&fp->fate[i]))
			stay[nstay++] = v[i];
	if (nstay)
		dp_port_prepare(p->inner, stay, nstay);
}

/* Sends what is due. False: the inner port is busy. */
static bool send_due(struct fault_port *fp, uint64_t now_ps)
{
	struct copy *c;
	struct dp_frame *f;

	while ((c = fp->stuck ? fp->stuck : next_due(&fp->tx, now_ps))) {
		f = &c->f;
		f->flags &= (uint16_t)~DP_FRAME_BATCH;
		f->ts_ps = now_ps;
		dp_port_prepare(fp->p.inner, &f, 1);
		if (dp_port_tx(fp->p.inner, &f, 1, now_ps) != 1) {
			fp->stuck = c;
			fp->retry_ps = dp_add_ps(now_ps, RETRY_PS);
			return false;
		}
		fp->stuck = NULL;
		copy_free(fp, c);
	}
	return true;
}

/* Frames as one tx() of the inner port. Returns how many of them are done with. */
static int send_run(struct fault_port *fp, struct dp_frame **v, struct fate *fate, int n, uint64_t now_ps)
{
	struct copy *copy[FATES_MAX];
	struct dp_frame *out[FATES_MAX];
	int from[FATES_MAX]; /* out[] to v[] */
	int i, nout = 0, done = n, taken;

	for (i = 0; i < n; i++) {
		copy[i] = copy_for(fp, v[i], &fate[i]);
		if (!stays_in_batch(&fate[i]))
			continue;
		from[nout] = i;
		out[nout++] = copy[i] && goes_as_copy(&fate[i]) ? &copy[i]->f : v[i];
	}
	if (nout) {
		taken = dp_port_tx(fp->p.inner, out, nout, now_ps);
		if (taken < nout)
			done = from[taken];
	}
	for (i = 0; i < n; i++) {
		if (i < done) {
			fp->p.stats.tx_frames++;
			fp->p.stats.tx_bytes += dp_frame_bytes(v[i]);
			carry_out(fp, &fp->tx, &fate[i], copy[i], now_ps);
		}
		if (copy[i] && (i >= done || goes_as_copy(&fate[i])))
			copy_free(fp, copy[i]);
	}
	return done;
}

/*
 * How many frames may go as one run. All of them, if the inner port predicts: its batch must come whole. Otherwise
 * plain frames until one whose fate may put a copy between it and the next, so that copies go exactly where they belong.
 */
static int run_length(const struct fault_port *fp, const struct fate *fate, int n)
{
	int i;

	if (fp->p.inner->ops->prepare)
		return n;
	if (fp->tx.reordered)
		return 1;
	for (i = 0; i < n; i++)
		if (fate[i].kind != PASS)
			return i + 1;
	return n;
}

static int fault_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct fault_port *fp = fault_of(p);
	int done = 0, run, took, want = n;

	n = DP_MIN(n, FATES_MAX);
	draw_tx(fp, v, n);
	/* Late copies go first, unless that would cut between prepare() and tx(). */
	if (!p->inner->ops->prepare && !send_due(fp, now_ps))
		n = 0;
	while (done < n) {
		run = run_length(fp, fp->fate + done, n - done);
		took = send_run(fp, v + done, fp->fate + done, run, now_ps);
		done += took;
		if (took < run || !send_due(fp, now_ps))
			break;
	}
	fp->nfates -= done;
	memmove(fp->fate, fp->fate + done, (size_t)fp->nfates * sizeof(fp->fate[0]));
	if (done < want)
		p->stats.tx_busy++;
	return done;
}

/* --- receive --- */

static struct dp_frame *give_out(struct fault_port *fp, struct copy *c, uint64_t now_ps)
{
	copy_link(&fp->returned, c);
	c->f.ts_ps = DP_MAX(c->f.ts_ps, now_ps);
	return &c->f;
}

static int rx_due(struct fault_port *fp, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct copy *c;
	int got = 0;

	while (got < n && (c = next_due(&fp->rx, now_ps)))
		v[got++] = give_out(fp, c, now_ps);
	return got;
}

static int fault_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct fault_port *fp = fault_of(p);
	struct dp_frame *in[RX_BATCH];
	struct fate fate;
	struct copy *c;
	int got, nin, i;

	while (fp->returned)
		copy_free(fp, fp->returned);
	got = rx_due(fp, v, n, now_ps);
	/* 0 must mean that nothing is there, so again when all were dropped or held; else once: what the inner port
	 * returned is valid only until its next rx(). */
	do {
		nin = got < n ? dp_port_rx(p->inner, in, DP_MIN(n - got, RX_BATCH), now_ps) : 0;
		for (i = 0; i < nin; i++) {
			draw(fp, &fp->rx, in[i], &fate);
			c = copy_for(fp, in[i], &fate);
			if (goes_as_copy(&fate))
				v[got++] = give_out(fp, c, now_ps);
			else if (stays_in_batch(&fate))
				v[got++] = in[i];
			carry_out(fp, &fp->rx, &fate, c, now_ps);
			/* Room must remain for each frame that the inner port has given us. */
			got += rx_due(fp, v + got, n - got - (nin - i - 1), now_ps);
		}
	} while (nin && !got);
	for (i = 0; i < got; i++) {
		p->stats.rx_frames++;
		p->stats.rx_bytes += dp_frame_bytes(v[i]);
	}
	return got;
}

/* --- the rest --- */

static int fault_fd(struct dp_port *p)
{
	return dp_port_fd(p->inner);
}

static uint64_t fault_next_ps(struct dp_port *p)
{
	struct fault_port *fp = fault_of(p);
	uint64_t next_ps = DP_MIN(dp_port_next_ps(p->inner), dp_wheel_next_ps(&fp->rx.late));
	uint64_t tx_ps = fp->stuck ? fp->retry_ps : dp_wheel_next_ps(&fp->tx.late);

	return DP_MIN(next_ps, tx_ps);
}

static void fault_tick(struct dp_port *p, uint64_t now_ps)
{
	dp_port_tick(p->inner, now_ps);
	send_due(fault_of(p), now_ps);
}

static void lane_fini(struct fault_port *fp, struct lane *lane)
{
	struct copy *c;

	while ((c = next_due(lane, DP_NEVER - 1)))
		copy_free(fp, c);
}

static void fault_free(struct dp_port *p)
{
	struct fault_port *fp = fault_of(p);

	while (fp->returned)
		copy_free(fp, fp->returned);
	if (fp->stuck)
		copy_free(fp, fp->stuck);
	lane_fini(fp, &fp->tx);
	lane_fini(fp, &fp->rx);
	dp_port_free(p->inner);
	free(fp);
}

static const struct dp_port_ops fault_ops = {
	.name = "fault",
	.tx = fault_tx,
	.rx = fault_rx,
	.fd = fault_fd,
	.next_ps = fault_next_ps,
	.tick = fault_tick,
	.free = fault_free,
};

static const struct dp_port_ops fault_prepare_ops = {
	.name = "fault",
	.prepare = fault_prepare,
	.tx = fault_tx,
	.rx = fault_rx,
	.fd = fault_fd,
	.next_ps = fault_next_ps,
	.tick = fault_tick,
	.free = fault_free,
};

int dp_port_fault_set(struct dp_port *port, const struct dp_fault_cfg *cfg)
{
	struct fault_port *fp = fault_of(port);
	struct dp_fault_cfg c = {0};

	if (cfg)
		c = *cfg;
	if (c.loss_ppb > PPB || c.dup_ppb > PPB || c.reorder_ppb > PPB || c.corrupt_ppb > PPB || c.delay_ppb > PPB)
		return -EINVAL;
	if (c.dir & ~(uint32_t)DP_FAULT_BOTH || c.data_only > 1)
		return -EINVAL;
	if (c.delay_min_ps > c.delay_max_ps || c.delay_max_ps - c.delay_min_ps == UINT64_MAX)
		return -EINVAL;
	c.dir = c.dir ? c.dir : DP_FAULT_BOTH;
	c.reorder_frames = c.reorder_frames ? c.reorder_frames : 3;
	c.reorder_ps = c.reorder_ps ? c.reorder_ps : DP_MS;
	c.max_held = c.max_held ? c.max_held : 4096;
	fp->cfg = c;
	/* A generator for each direction: what one draws does not depend on how the other's frames interleave. */
	dp_rng_seed(&fp->tx.rng, c.seed);
	dp_rng_seed(&fp->rx.rng, ~c.seed);
	fp->nfates = 0;
	return 0;
}

int dp_port_fault_set_rules(struct dp_port *port, const struct dp_fault_rule *rules, uint32_t n)
{
	struct fault_port *fp = fault_of(port);
	uint32_t i;

	if (n > RULES_MAX || (n && !rules))
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (rules[i].len > 8 || rules[i].dir & ~(uint32_t)DP_FAULT_BOTH || rules[i].action > DP_FAULT_MARK_CE)
			return -EINVAL;
	memset(fp->rule, 0, sizeof(fp->rule));
	for (i = 0; i < n; i++) {
		fp->rule[i].r = rules[i];
		if (!rules[i].dir)
			fp->rule[i].r.dir = DP_FAULT_BOTH;
	}
	fp->nrules = n;
	fp->nfates = 0;
	return 0;
}

uint64_t dp_port_fault_rule_matches(const struct dp_port *port, uint32_t rule)
{
	return rule < RULES_MAX ? fault_of(port)->rule[rule].matches : 0;
}

uint64_t dp_port_fault_rule_hits(const struct dp_port *port, uint32_t rule)
{
	return rule < RULES_MAX ? fault_of(port)->rule[rule].hits : 0;
}

uint32_t dp_port_fault_held(const struct dp_port *port)
{
	return fault_of(port)->held;
}

uint64_t dp_port_fault_no_room(const struct dp_port *port)
{
	return fault_of(port)->no_room;
}

struct dp_port *dp_port_fault_new(struct dp_port *inner, const struct dp_fault_cfg *cfg)
{
	struct fault_port *fp;
	int err;

	if (!inner) {
		errno = EINVAL;
		return NULL;
	}
	fp = calloc(1, sizeof(*fp));
	if (!fp)
		return NULL;
	fp->p.ops = inner->ops->prepare ? &fault_prepare_ops : &fault_ops;
	fp->p.sport = inner->sport;
	fp->p.mtu = inner->mtu;
	fp->p.inner = inner;
	fp->tx.dir = DP_FAULT_TX;
	fp->rx.dir = DP_FAULT_RX;
	dp_wheel_init(&fp->tx.late, 0);
	dp_wheel_init(&fp->rx.late, 0);
	err = dp_port_fault_set(&fp->p, cfg);
	if (err) {
		free(fp);
		errno = -err;
		return NULL;
	}
	return &fp->p;
}
