/* Native tests of plugins: a double of the host in this process. Compile the plugin, the SDK and hw_testing.c with any C
 * compiler; `hwt_end` forgets everything between tests. */
#ifndef HW_TESTING_H
#define HW_TESTING_H

#include "hw.h"

/* Records from a JSON list of objects. */
hw_batch *hwt_batch(const char *json);
/* What became of them, as a JSON list; rejected records are left out. */
hw_str hwt_records(hw_batch *batch);
/* The configuration in a JSON text. */
const hw_json *hwt_config(const char *json);
void hwt_set_now(hw_time now);
void hwt_set_secret(const char *name, const char *value);
/* The next answers to requests; 200 without a body where there is none left. */
void hwt_answer(uint16_t status, const char *body);
/* The body of the latest request; none if there was none. */
hw_str hwt_sent(void);
/* Violations and targets that a plugin adds to, and how many there are. */
hw_violations *hwt_violations(void);
size_t hwt_violation_count(const hw_violations *found);
/* Ends the program with a message unless they are the same. */
void hwt_equal(hw_str got, const char *expected, const char *where);
void hwt_end(void);

#define HWT_TEXT2(line) #line
#define HWT_TEXT(line) HWT_TEXT2(line)
#define HWT_EQUAL(got, expected) hwt_equal(got, expected, __FILE__ ":" HWT_TEXT(__LINE__))

#endif
