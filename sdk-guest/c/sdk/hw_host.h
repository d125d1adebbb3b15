/* Between the SDK and what it runs on: the host of the component (hw_guest.c), or its double (testing/hw_testing.c).
 * Texts that these functions answer come from hw_alloc. */
#ifndef HW_HOST_H
#define HW_HOST_H

#include "hw.h"

/* The records of a call. `handle` is what the host knows them by. */
typedef struct hw_column {
    struct hw_column *next;
    const char *name;
    hw_str *texts;    /* NULL until they are asked for, and after a value that is no text was written */
    hw_value *values; /* NULL until they are asked for */
    bool *written;
    bool changed;
} hw_column;

struct hw_batch {
    intptr_t handle;
    hw_column *columns;
};

struct hw_violations {
    struct hw_found {
        bool is_error;
        hw_str path, message;
    } *items;
    size_t len, capacity;
};

struct hw_targets_list {
    hw_str *items;
    size_t len, capacity;
};

struct hw_report {
    struct hw_rejected {
        uint32_t index;
        hw_str reason;
    } *rejected;
    size_t len, capacity;
    bool stopped;
    uint32_t stopped_at, retry_milliseconds;
    hw_str reason;
};

/* Writes changed columns back. */
void hw_flush(hw_batch *batch);
/* Frees what hw_alloc gave. */
void hw_end_call(void);
/* Room for one more item of a list. */
void *hw_grow(void *items, size_t len, size_t *capacity, size_t size);
hw_str hw_copy(const void *data, size_t len);

size_t hw_host_len(intptr_t batch);
const hw_str *hw_host_names(intptr_t batch, size_t *count);
const hw_time *hw_host_times(intptr_t batch, size_t *count);
void hw_host_read_texts(intptr_t batch, const char *name, hw_str *texts);
void hw_host_write_texts(intptr_t batch, const char *name, const hw_str *texts, size_t count);
void hw_host_read(intptr_t batch, const char *name, hw_value *values);
void hw_host_write(intptr_t batch, const char *name, const hw_value *values, size_t count);
void hw_host_fill(intptr_t batch, const char *name, hw_value value);
void hw_host_rename(intptr_t batch, const char *name, const char *to);
void hw_host_remove(intptr_t batch, const char *name);
void hw_host_select(intptr_t batch, const uint32_t *indexes, size_t count);
void hw_host_reject(intptr_t batch, uint32_t record, hw_str reason);
void hw_host_log(hw_level level, hw_str message);

#endif
