/* Texts, memory of a call, records with their columns, and what needs no host. */
#include "hw_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (64 * 1024)

typedef struct block {
    struct block *next;
    size_t used, size;
} block;

static block *blocks;

void *hw_alloc(size_t bytes) {
    bytes = (bytes + 15) & ~(size_t)15;
    if (!blocks || blocks->size - blocks->used < bytes) {
        size_t size = bytes > BLOCK ? bytes : BLOCK;
        block *made = malloc(sizeof(block) + 16 + size);
        if (!made) abort();
        *made = (block){blocks, 0, size};
        blocks = made;
    }
    char *start = (char *)(((uintptr_t)(blocks + 1) + 15) & ~(uintptr_t)15);
    void *found = start + blocks->used;
    blocks->used += bytes;
    return memset(found, 0, bytes);
}

void hw_end_call(void) {
    /* The first block is kept for the next call. */
    while (blocks && blocks->next) {
        block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
    if (blocks) blocks->used = 0;
}

void *hw_grow(void *items, size_t len, size_t *capacity, size_t size) {
    if (len < *capacity) return items;
    *capacity = *capacity ? *capacity * 2 : 8;
    void *made = hw_alloc(*capacity * size);
    return len ? memcpy(made, items, len * size) : made;
}

hw_str hw_copy(const void *data, size_t len) {
    char *made = hw_alloc(len + 1);
    if (len) memcpy(made, data, len);
    return (hw_str){made, len};
}

hw_str hw_text(const char *text) { return text ? (hw_str){text, strlen(text)} : HW_NONE; }

bool hw_same(hw_str a, hw_str b) {
    return (a.data != NULL) == (b.data != NULL) && a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

bool hw_equal(hw_str a, const char *b) { return hw_same(a, hw_text(b)); }

char *hw_keep(hw_str text) {
    char *made = malloc(text.len + 1);
    if (!made) abort();
    if (text.len) memcpy(made, text.data, text.len);
    made[text.len] = 0;
    return made;
}

static hw_str formatted(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    char *made = hw_alloc((len < 0 ? 0 : (size_t)len) + 1);
    if (len > 0) vsnprintf(made, (size_t)len + 1, format, again);
    va_end(again);
    return (hw_str){made, len < 0 ? 0 : (size_t)len};
}

#define FORMATTED(into, format)            \
    do {                                   \
        va_list arguments;                 \
        va_start(arguments, format);       \
        into = formatted(format, arguments); \
        va_end(arguments);                 \
    } while (0)

hw_str hw_format(const char *format, ...) {
    hw_str made;
    FORMATTED(made, format);
    return made;
}

void *hw_bad_config(hw_error *error, const char *format, ...) {
    FORMATTED(error->why, format);
    error->is_config = true;
    return NULL;
}

bool hw_fail(hw_error *error, const char *format, ...) {
    FORMATTED(error->why, format);
    return false;
}

void hw_log(hw_level level, const char *format, ...) {
    hw_str message;
    FORMATTED(message, format);
    hw_host_log(level, message);
}

void hw_violation(hw_violations *to, bool is_error, const char *path, const char *format, ...) {
    hw_str message;
    FORMATTED(message, format);
    to->items = hw_grow(to->items, to->len, &to->capacity, sizeof *to->items);
    to->items[to->len++] = (struct hw_found){is_error, hw_copy(path, strlen(path)), message};
}

void hw_target(hw_targets_list *to, hw_str grant) {
    to->items = hw_grow(to->items, to->len, &to->capacity, sizeof *to->items);
    to->items[to->len++] = grant;
}

void hw_report_reject(hw_report *report, size_t record, hw_str reason) {
    report->rejected = hw_grow(report->rejected, report->len, &report->capacity, sizeof *report->rejected);
    report->rejected[report->len++] = (struct hw_rejected){(uint32_t)record, reason};
}

void hw_report_stop(hw_report *report, size_t record, hw_str reason, uint32_t retry_milliseconds) {
    report->stopped = true;
    report->stopped_at = (uint32_t)record;
    report->reason = reason;
    report->retry_milliseconds = retry_milliseconds;
}

hw_str hw_url_target(hw_str url) {
    static const struct {
        const char *scheme;
        int port;
    } known[] = {{"http://", 80}, {"https://", 443}};
    for (size_t i = 0; i < 2; i++) {
        size_t scheme = strlen(known[i].scheme);
        if (url.len <= scheme || memcmp(url.data, known[i].scheme, scheme)) continue;
        const char *host = url.data + scheme, *end = host;
        while (end < url.data + url.len && !strchr("/?#", *end)) end++;
        for (const char *at = host; at < end; at++)
            if (*at == '@') host = at + 1;
        const char *colon = NULL;
        for (const char *at = host; at < end; at++) colon = *at == ':' ? at : *at == ']' ? NULL : colon;
        if (host == end || host == colon) return HW_NONE;
        int len = (int)(end - host);
        return colon ? hw_format("%s%.*s", known[i].scheme, len, host) : hw_format("%s%.*s:%d", known[i].scheme, len, host, known[i].port);
    }
    return HW_NONE;
}

/* ---- records ---- */

size_t hw_batch_len(const hw_batch *batch) { return hw_host_len(batch->handle); }

const hw_str *hw_batch_names(hw_batch *batch, size_t *count) {
    hw_flush(batch);
    return hw_host_names(batch->handle, count);
}

const hw_time *hw_batch_times(hw_batch *batch) {
    size_t count;
    return hw_host_times(batch->handle, &count);
}

static hw_column *column(hw_batch *batch, const char *name) {
    for (hw_column *known = batch->columns; known; known = known->next)
        if (!strcmp(known->name, name)) return known;
    hw_column *made = hw_alloc(sizeof *made);
    made->name = hw_copy(name, strlen(name)).data;
    made->written = hw_alloc(hw_batch_len(batch) * sizeof(bool));
    made->next = batch->columns;
    return batch->columns = made;
}

static hw_value text_value(hw_str text) {
    return text.data ? (hw_value){.kind = HW_TEXT, .text = text} : (hw_value){.kind = HW_ABSENT};
}

/* The column with its kinds: those of the host, and over them what was written here as text. */
static hw_value *values(hw_batch *batch, hw_column *known) {
    if (known->values) return known->values;
    size_t len = hw_batch_len(batch);
    known->values = hw_alloc(len * sizeof(hw_value));
    hw_host_read(batch->handle, known->name, known->values);
    for (size_t i = 0; known->texts && i < len; i++)
        if (known->written[i]) known->values[i] = text_value(known->texts[i]);
    return known->values;
}

static void write_back(hw_batch *batch, hw_column *known) {
    if (!known->changed) return;
    known->changed = false;
    /* Where nothing is left of the host's column, its kinds need not be asked for. */
    size_t len = hw_batch_len(batch), i = 0;
    while (known->texts && i < len && (known->written[i] || !known->texts[i].data)) i++;
    if (known->texts && i == len) hw_host_write_texts(batch->handle, known->name, known->texts, len);
    else hw_host_write(batch->handle, known->name, values(batch, known), len);
}

static hw_str *texts(hw_batch *batch, hw_column *known) {
    if (known->texts) return known->texts;
    /* How a value is written as text is known by the host. */
    write_back(batch, known);
    known->texts = hw_alloc(hw_batch_len(batch) * sizeof(hw_str));
    hw_host_read_texts(batch->handle, known->name, known->texts);
    memset(known->written, 0, hw_batch_len(batch) * sizeof(bool));
    return known->texts;
}

void hw_flush(hw_batch *batch) {
    for (hw_column *known = batch->columns; known; known = known->next) write_back(batch, known);
}

/* What the host does by itself happens after what was changed here. */
static void forget(hw_batch *batch) {
    hw_flush(batch);
    batch->columns = NULL;
}

hw_str hw_get(hw_batch *batch, size_t record, const char *name) {
    return record < hw_batch_len(batch) ? texts(batch, column(batch, name))[record] : HW_NONE;
}

hw_value hw_get_value(hw_batch *batch, size_t record, const char *name) {
    return record < hw_batch_len(batch) ? values(batch, column(batch, name))[record] : (hw_value){.kind = HW_ABSENT};
}

void hw_set(hw_batch *batch, size_t record, const char *name, hw_str value) {
    if (record >= hw_batch_len(batch)) return;
    hw_column *found = column(batch, name);
    texts(batch, found)[record] = value;
    if (found->values) found->values[record] = text_value(value);
    found->written[record] = found->changed = true;
}

void hw_set_value(hw_batch *batch, size_t record, const char *name, hw_value value) {
    if (record >= hw_batch_len(batch)) return;
    hw_column *found = column(batch, name);
    values(batch, found)[record] = value;
    if (found->texts && (value.kind == HW_TEXT || value.kind == HW_ABSENT)) {
        found->texts[record] = value.kind == HW_TEXT ? value.text : HW_NONE;
        found->written[record] = true;
    } else {
        found->texts = NULL;
    }
    found->changed = true;
}

void hw_fill(hw_batch *batch, const char *name, hw_str value) { hw_fill_value(batch, name, text_value(value)); }

void hw_fill_value(hw_batch *batch, const char *name, hw_value value) {
    forget(batch);
    if (value.kind == HW_ABSENT) hw_host_remove(batch->handle, name);
    else hw_host_fill(batch->handle, name, value);
}

void hw_rename(hw_batch *batch, const char *name, const char *to) {
    forget(batch);
    hw_host_rename(batch->handle, name, to);
}

void hw_remove(hw_batch *batch, const char *name) {
    forget(batch);
    hw_host_remove(batch->handle, name);
}

void hw_select(hw_batch *batch, const uint32_t *indexes, size_t count) {
    forget(batch);
    hw_host_select(batch->handle, indexes, count);
}

void hw_reject(hw_batch *batch, size_t record, hw_str reason) {
    if (record < hw_batch_len(batch)) hw_host_reject(batch->handle, (uint32_t)record, reason);
}

hw_str hw_record_json(hw_batch *batch, size_t record) {
    size_t count;
    const hw_str *names = hw_batch_names(batch, &count);
    hw_str made = hw_text("");
    for (size_t i = 0; i < count; i++) {
        hw_str value = hw_get(batch, record, names[i].data);
        if (!value.data) continue;
        made = hw_format("%s%s%s:%s", made.data, made.len ? "," : "", hw_json_quote(names[i]).data, hw_json_quote(value).data);
    }
    return hw_format("{%s}", made.data);
}
