/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The switch for aarch64 (AAPCS64): x19 to x30, the low halves of v8 to v15, and FPCR. */
#if defined(__aarch64__)

	.text

/* void machine_switch_stacks(void **save_stack_pointer [x0], void *stack_pointer [x1]) */
	.globl machine_switch_stacks
	.hidden machine_switch_stacks
	.type machine_switch_stacks, %function
	.p2align 4
machine_switch_stacks:
	.cfi_startproc
	sub sp, sp, #176
	.cfi_def_cfa_offset 176
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	.cfi_offset x19, -176
	.cfi_offset x20, -168
	.cfi_offset x21, -160
	.cfi_offset x22, -152
	.cfi_offset x23, -144
	.cfi_offset x24, -136
	.cfi_offset x25, -128
	.cfi_offset x26, -120
	.cfi_offset x27, -112
	.cfi_offset x28, -104
	.cfi_offset x29, -96
	.cfi_offset x30, -88
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mrs x9, fpcr
	str x9, [sp, #160]

	mov x10, sp
	str x10, [x0]
	mov sp, x1

	/* Writing FPCR is slow; it almost never differs. */
	ldr x10, [sp, #160]
	cmp x9, x10
	b.eq 1f
	msr fpcr, x10
1:
	ldp x19, x20, [sp, #0]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	add sp, sp, #176
	.cfi_def_cfa_offset 0
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	/* Not a ret, which would miss the return predictor each time. */
	mov x16, x30
	br x16
	.cfi_endproc
	.size machine_switch_stacks, . - machine_switch_stacks

/* The first frame of a fiber: entry in x20, its argument in x19. A backtrace ends here. */
	.globl machine_entry_stub
	.hidden machine_entry_stub
	.type machine_entry_stub, %function
	.p2align 4
machine_entry_stub:
	.cfi_startproc
	.cfi_undefined x30
	mov x0, x19
	blr x20
	brk #1
	.cfi_endproc
	.size machine_entry_stub, . - machine_entry_stub

#endif
	.section .note.GNU-stack, "", %progbits
