/*
 * Fault points: named places where a test makes the process die.
 *
 * Built with -DTIDEMARK_FAULT_POINTS (make faults), a process started with
 * TIDEMARK_FAULT=NAME kills itself (SIGKILL) when it passes fault_point("NAME");
 * TIDEMARK_FAULT=NAME:3 at the third time. In every other build the call is empty.
 */
#ifndef LIB_BASE_FAULT_POINT_H
#define LIB_BASE_FAULT_POINT_H

#ifdef TIDEMARK_FAULT_POINTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
