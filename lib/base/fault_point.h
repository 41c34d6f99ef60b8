/*
 * Fault points: named places where a test makes the process die.
 *
 * Built with -DTIDEMARK_FAULT_POINTS (make faults), a process started with
 * TIDEMARK_FAULT=NAME kills itself (SIGKILL) when it passes fault_point("NAME");
 * TIDEMARK_FAULT=NAME:3 at the third time. In every other build the call is empty.
 *
 * fault_limit(real, small) is the small one in that build: for what would take a test
 * hundreds of megabytes to get to.
 */
#ifndef LIB_BASE_FAULT_POINT_H
#define LIB_BASE_FAULT_POINT_H

#ifdef TIDEMARK_FAULT_POINTS
void fault_point(const char *name);
#define fault_limit(real, small) (small)
#else
#define fault_point(name) ((void)0)
#define fault_limit(real, small) (real)
#endif

#endif
