/*
 * The instructions of the pipeline engine: the one list of them. Lowering (datapath/p4c/lower) writes them, the loader
 * (pipeline_load.c) checks them, the interpreter (pipeline_exec.c) runs them.
 *
 * A packet's values live in slots of 64 bits. Slots [0, n_consts) hold constants. A value of w <= 64 bits is one slot, zero-extended
 * (int<w> too: its w bits). A wider one is ceil(w / 64) consecutive slots, least significant first. A header instance is
 * its validity (0 or 1) in slot `base`, then its fields where its layout says. A varbit is its length in bits in one slot, then
 * ceil(max / 64) slots of bytes in wire order, first bit first, zeros behind the last. d, a, b are slots unless said otherwise;
 * w is the width of the result in bits, or of the operands where the result is a truth value. X-suffixed instructions
 * work at any width up to 65535; the others at 1 to 64. imm is a number, or a slot, or a code index (`-> imm`).
 */
#pragma once

/* clang-format off */
#define DP_PL_OPS(X) \
	/* moves and arithmetic: d[w] = a op b */ \
	X(NOP) X(MOV) X(ADD) X(SUB) X(MUL) X(AND) X(OR) X(XOR) \
	X(SHL) X(SHR) X(SAR)      /* by b (any 64-bit amount: at or over w gives 0, or the sign) */ \
	X(NOT) X(NEG) \
	X(ADDS) X(SUBS)           /* saturating, unsigned */ \
	X(ADDSS) X(SUBSS)         /* saturating, two's complement */ \
	X(DIV) X(MOD)             /* unsigned; by zero: 0 */ \
	X(SLICE)                  /* d[w] = a >> imm */ \
	X(INS)                    /* bits [imm + w - 1 : imm] of d = a; d is one slot */ \
	X(CAT)                    /* d = a << imm | b, w bits in all; b has imm bits */ \
	X(SEXT)                   /* d[w] = sign extension of a, which has imm bits; w <= 64 */ \
	X(TRUNC)                  /* d = a's low w bits */ \
	X(SEL)                    /* d = slot imm ? a : b */ \
	X(EQ) X(NE) X(LT) X(LE) X(SLT) X(SLE) /* d = a op b, 0 or 1; S: operands of w bits, signed */ \
	X(LNOT)                   /* d = !a */ \
	/* any width, operands of w bits */ \
	X(MOVX) X(ADDX) X(SUBX) X(MULX) X(ANDX) X(ORX) X(XORX) X(NOTX) X(NEGX) \
	X(SHLX) X(SHRX) X(SARX)   /* the amount b is one slot */ \
	X(ADDSX) X(SUBSX) X(ADDSSX) X(SUBSSX) X(DIVX) X(MODX) \
	X(SLICEX)                 /* d[w] = a >> imm; a has b (a number) bits */ \
	X(INSX)                   /* bits [imm + w - 1 : imm] of d = a; d has b (a number) bits */ \
	X(SEXTX)                  /* d[w] = sign extension of a, which has imm bits */ \
	X(ZEXTX)                  /* d[w] = a, which has imm bits: extend or cut */ \
	X(EQX) X(NEX) X(LTX) X(LEX) X(SLTX) X(SLEX) \
	X(COPY)                   /* imm slots from a to d, which may overlap */ \
	X(ZERO)                   /* imm slots from d */ \
	/* jumps */ \
	X(JMP) X(JZ) X(JNZ)       /* -> imm if a is (not) zero */ \
	X(JEQ) X(JNE) X(JLT) X(JLE) /* -> imm if a op b, unsigned, one slot each */ \
	X(JTAB)                   /* to jump table number b's entry a; at or over its length: its last entry */ \
	X(CALL) X(RET)            /* CALL -> imm; RET goes behind it. At most 32 deep */ \
	X(END)                    /* of a block; leaves calls */ \
	/* parsing; on failure the parser's error slot (intrinsic PARSER_ERROR) is set and control goes -> imm */ \
	X(EXTRACT)                /* layout a to the header at d, of no varbit; sets it valid */ \
	X(EXTRACTV)               /* layout a to d; slot b: bits of its varbit. HeaderTooShort, ParserInvalidArgument if no multiple of 8 */ \
	X(LOOK)                   /* layout a to d without moving on and without validity */ \
	X(ADVANCE)                /* a bits */ \
	X(PKTLEN)                 /* d = bytes of the packet */ \
	/* deparsing */ \
	X(EMIT)                   /* header at a, layout b, if valid; not a jump */ \
	/* tables */ \
	X(APPLY)                  /* table b: look up, load parameters, slot d = hit, slot a = index of the action; calls the action */ \
	X(VSET)                   /* d = 1 if value set b matches its key slots, else 0 */ \
	/* extern objects, number b */ \
	X(COUNT)                  /* counter b at index a */ \
	X(DCOUNT)                 /* the counter of table b's entry that was hit last */ \
	X(METER)                  /* d = colour (0 green, 1 yellow, 2 red) of meter b at index a; slot imm: colour in, ~0 for none */ \
	X(DMETER)                 /* d = colour by the meter of table b's entry that was hit last; imm as METER */ \
	X(REGRD)                  /* d[w] = register b at index a; outside: 0 */ \
	X(REGWR)                  /* register b at index a = d[w]; outside: nothing */ \
	/* functions over lists of fields: b is a list's number */ \
	X(HASH)                   /* d[w] = algorithm imm over list b; + 256: and over the payload */ \
	X(HASHMOD)                /* d[w] = base slot a + hash(imm) % slot a + 1; at zero: base */ \
	X(CSUM)                   /* d[16] = ones' complement sum over list b, complemented; imm bit 0: payload, too */ \
	X(CSUMADD) X(CSUMSUB)     /* d: running sum (one slot), add or take away list b: InternetChecksum */ \
	X(RANDOM)                 /* d[w] = between slots a and b, both included */ \
	X(DIGEST)                 /* digest b (its list) is sent; imm: receiver */ \
	X(LOG)                    /* message imm with list b */ \
	X(ASSERT)                 /* a is zero: count and log message imm; the packet is dropped */ \
	/* what the architecture does with the packet afterwards */ \
	X(CLONE)                  /* v1model: imm 0 I2E, 1 E2E; session slot a, field list b (~0 none) */ \
	X(RESUBMIT) X(RECIRCULATE) /* v1model: field list b (~0 none) */ \
	X(TRUNCATE)               /* to slot a bytes */ \
	X(ADDENTRY)               /* PNA, in an action that missed table b: action imm with the data at slots d..., expire profile slot a; */ \
	                          /* the key is that of the miss. Next instruction NOP's d = result (0 added, 1 failed) */ \
	X(SETEXPIRE) X(RESTARTEXPIRE) /* PNA: of table b's entry that was hit last; profile slot a */ \
	X(MIRROR)                 /* PNA: session slot a for mirror slot slot b, of which a packet may use 16 */
/* clang-format on */

/* cffi: begin */
#define DP_PL_NONE 0xffffffff /* no slot, no code, no list */
/* cffi: end */
