/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The switch for x86-64 (System V ABI): callee-saved registers and the control bits of MXCSR and
 * the x87 unit. It ends with a pop and an indirect jump: a ret would miss the return predictor each
 * time.
 */
#if defined(__x86_64__)

	.text

/* void machine_switch_stacks(void **save_stack_pointer [rdi], void *stack_pointer [rsi]) */
	.globl machine_switch_stacks
	.hidden machine_switch_stacks
	.type machine_switch_stacks, @function
	.p2align 4
machine_switch_stacks:
	.cfi_startproc
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq %r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq %r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	movl (%rsp), %eax
	movzwl 4(%rsp), %ecx

	movq %rsp, (%rdi)
	movq %rsi, %rsp

	/*
	 * Loading the control words is slow; they almost never differ. The low 6 bits of MXCSR are
	 * status, not control.
	 */
	xorl (%rsp), %eax
	cmpw 4(%rsp), %cx
	jne 2f
	andl $0xffffffc0, %eax
	jnz 2f
1:
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq %r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq %r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	popq %rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rcx
	jmpq *%rcx
2:
	/* Reached only from above the pops, with everything still on the stack. */
	.cfi_def_cfa_offset 64
	.cfi_rel_offset rip, 56
	.cfi_rel_offset rbp, 48
	.cfi_rel_offset rbx, 40
	.cfi_rel_offset r12, 32
	.cfi_rel_offset r13, 24
	.cfi_rel_offset r14, 16
	.cfi_rel_offset r15, 8
	ldmxcsr (%rsp)
	fldcw 4(%rsp)
	jmp 1b
	.cfi_endproc
	.size machine_switch_stacks, . - machine_switch_stacks

/* The first frame of a fiber: entry in r13, its argument in r12. A backtrace ends here. */
	.globl machine_entry_stub
	.hidden machine_entry_stub
	.type machine_entry_stub, @function
	.p2align 4
machine_entry_stub:
	.cfi_startproc
	.cfi_undefined rip
	.cfi_undefined rbp
	movq %r12, %rdi
	callq *%r13
	ud2
	.cfi_endproc
	.size machine_entry_stub, . - machine_entry_stub

#endif
	.section .note.GNU-stack, "", %progbits
