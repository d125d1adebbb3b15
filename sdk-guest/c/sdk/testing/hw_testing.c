/* The double of the host. Everything lives until hwt_end. */
#include "hw_testing.h"

#include "../hw_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct field {
    struct field *next;
    const char *name;
    hw_str value;
} field;

typedef struct {
    field *fields; /* by ascending name */
    size_t origin;
} row;

typedef struct {
    hw_batch batch;
    row *rows;
    size_t len;
    bool *rejected; /* by origin */
} records;

static struct {
    field *state, *secrets, *counters;
    hw_time now;
    hw_response answers[64];
    size_t answered, answer_count;
    hw_str sent;
} host;

static field *find(field *fields, const char *name) {
    while (fields && strcmp(fields->name, name)) fields = fields->next;
    return fields;
}

static void put(field **fields, const char *name, hw_str value) {
    while (*fields && strcmp((*fields)->name, name) < 0) fields = &(*fields)->next;
    if (*fields && !strcmp((*fields)->name, name)) {
        if (value.data) (*fields)->value = value;
        else *fields = (*fields)->next;
    } else if (value.data) {
        field *made = hw_alloc(sizeof *made);
        *made = (field){*fields, hw_copy(name, strlen(name)).data, value};
        *fields = made;
    }
}

const hw_json *hwt_config(const char *json) { return hw_json_parse(hw_text(json)); }

hw_batch *hwt_batch(const char *json) {
    const hw_json *list = hwt_config(json);
    records *made = hw_alloc(sizeof *made);
    made->len = hw_json_len(list);
    made->rows = hw_alloc(made->len * sizeof(row));
    made->rejected = hw_alloc(made->len * sizeof(bool));
    for (size_t i = 0; i < made->len; i++) {
        const hw_json *object = hw_json_item(list, i);
        made->rows[i].origin = i;
        for (size_t j = 0; j < hw_json_len(object); j++)
            put(&made->rows[i].fields, hw_json_name(object, j).data, hw_json_text(hw_json_item(object, j)));
    }
    made->batch.handle = (intptr_t)made;
    return &made->batch;
}

static records *of(intptr_t batch) { return (records *)batch; }

hw_str hwt_records(hw_batch *batch) {
    hw_flush(batch);
    records *known = of(batch->handle);
    hw_str made = hw_text("");
    for (size_t i = 0; i < known->len; i++) {
        if (known->rejected[known->rows[i].origin]) continue;
        made = hw_format("%s%s%s", made.data, made.len ? "," : "", hw_record_json(batch, i).data);
    }
    return hw_format("[%s]", made.data);
}

size_t hw_host_len(intptr_t batch) { return of(batch)->len; }

const hw_str *hw_host_names(intptr_t batch, size_t *count) {
    field *names = NULL;
    for (size_t i = 0; i < of(batch)->len; i++)
        for (field *at = of(batch)->rows[i].fields; at; at = at->next) put(&names, at->name, hw_text(at->name));
    *count = 0;
    for (field *at = names; at; at = at->next) ++*count;
    hw_str *made = hw_alloc(*count * sizeof *made), *to = made;
    for (field *at = names; at; at = at->next) *to++ = at->value;
    return made;
}

const hw_time *hw_host_times(intptr_t batch, size_t *count) {
    *count = of(batch)->len;
    hw_time *made = hw_alloc(*count * sizeof *made);
    for (size_t i = 0; i < *count; i++) made[i] = host.now;
    return made;
}

void hw_host_read(intptr_t batch, const char *name, hw_str *values) {
    for (size_t i = 0; i < of(batch)->len; i++) {
        field *known = find(of(batch)->rows[i].fields, name);
        values[i] = known ? known->value : HW_NONE;
    }
}

void hw_host_write(intptr_t batch, const char *name, const hw_str *values, size_t count) {
    for (size_t i = 0; i < count; i++) put(&of(batch)->rows[i].fields, name, values[i]);
}

void hw_host_fill(intptr_t batch, const char *name, hw_str value) {
    for (size_t i = 0; i < of(batch)->len; i++) put(&of(batch)->rows[i].fields, name, value);
}

void hw_host_rename(intptr_t batch, const char *name, const char *to) {
    for (size_t i = 0; i < of(batch)->len; i++) {
        field *known = find(of(batch)->rows[i].fields, name);
        if (!known) continue;
        hw_str value = known->value;
        put(&of(batch)->rows[i].fields, name, HW_NONE);
        put(&of(batch)->rows[i].fields, to, value);
    }
}

void hw_host_remove(intptr_t batch, const char *name) { hw_host_fill(batch, name, HW_NONE); }

void hw_host_select(intptr_t batch, const uint32_t *indexes, size_t count) {
    row *rows = hw_alloc(count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        if (indexes[i] >= of(batch)->len) abort();
        rows[i].origin = of(batch)->rows[indexes[i]].origin;
        for (field *at = of(batch)->rows[indexes[i]].fields; at; at = at->next) put(&rows[i].fields, at->name, at->value);
    }
    of(batch)->rows = rows;
    of(batch)->len = count;
}

void hw_host_reject(intptr_t batch, uint32_t record, hw_str reason) {
    (void)reason;
    of(batch)->rejected[of(batch)->rows[record].origin] = true;
}

void hw_host_log(hw_level level, hw_str message) {
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
    fprintf(stderr, "%s: %s\n", names[level], message.data);
}

hw_time hw_now(void) { return host.now; }

void hw_random(void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) ((uint8_t *)bytes)[i] = (uint8_t)rand();
}

bool hw_state_get(const char *key, hw_str *value) {
    field *known = find(host.state, key);
    *value = known ? known->value : HW_NONE;
    return true;
}

bool hw_state_set(const char *key, hw_str value) {
    put(&host.state, key, value.data ? hw_copy(value.data, value.len) : HW_NONE);
    return true;
}

void hw_count(const char *name, uint64_t by) { (void)name, (void)by; }
void hw_gauge(const char *name, double value) { (void)name, (void)value; }

hw_str hw_secret(const char *name) {
    field *known = find(host.secrets, name);
    return known ? known->value : HW_NONE;
}

hw_response hw_http(const hw_request *request) {
    host.sent = hw_copy(request->body.data, request->body.len);
    return host.answered < host.answer_count ? host.answers[host.answered++] : (hw_response){.status = 200};
}

void hwt_set_now(hw_time now) { host.now = now; }
void hwt_set_secret(const char *name, const char *value) { put(&host.secrets, name, hw_text(value)); }

void hwt_answer(uint16_t status, const char *body) {
    if (host.answer_count < sizeof host.answers / sizeof *host.answers)
        host.answers[host.answer_count++] = (hw_response){.status = status, .body = hw_text(body)};
}

hw_str hwt_sent(void) { return host.sent; }

hw_violations *hwt_violations(void) { return hw_alloc(sizeof(hw_violations)); }
size_t hwt_violation_count(const hw_violations *found) { return found->len; }

void hwt_equal(hw_str got, const char *expected, const char *where) {
    if (hw_equal(got, expected)) return;
    fprintf(stderr, "%s: expected %s, got %s\n", where, expected, got.data ? got.data : "none");
    exit(1);
}

void hwt_end(void) {
    hw_end_call();
    memset(&host, 0, sizeof host);
}
