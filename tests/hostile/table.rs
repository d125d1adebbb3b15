//! Every hostile case of the sandbox's design, with what proves it. The one place that lists them: tests run what stands here,
//! and `complete` fails when a guest can do something that does not.

use Proof::{Call, Harmless, Open, Report, SetUp, Tested};

/// What proves a case.
#[derive(Clone, Copy, Debug)]
pub enum Proof {
    /// A record goes through the server into a call of the guest `test-hostile` with this configuration; the call ends with
    /// this code, and the record is in the dead letters.
    Call(&'static str, &'static str),
    /// As [`Call`], and the call ends well.
    Harmless(&'static str),
    /// As [`Call`] while the guest reads its configuration, or with an error of its own: there is no dead letter.
    Open(&'static str, &'static str),
    /// A record is delivered with the guest `test-reports`; its URL has this path, and the delivery ends with this code.
    Report(&'static str, &'static str),
    /// As [`Report`] while the guest is set up: nothing was called, and there is no dead letter.
    SetUp(&'static str, &'static str),
    /// A test elsewhere: its file and its name.
    Tested(&'static str, &'static str),
}

const TRAP: &str = "plugin-trap";
const DEADLINE: &str = "plugin-deadline";
const LIMIT: &str = "plugin-limit";
const OUTPUT: &str = "plugin-output";
const REFUSED: &str = "plugin-refused";
const FAILED: &str = "failed";

const SANDBOX: &str = "host/sandbox/tests/hostile.rs";
const LOADING: &str = "host/sandbox/tests/loading.rs";
const BOMBS: &str = "host/sandbox/tests/bombs.rs";
const LEAKS: &str = "host/sandbox/tests/leaks.rs";
const PLATFORM: &str = "host/sandbox/tests/platform.rs";
const VALIDATORS: &str = "host/sandbox/tests/validators.rs";
const HOOKS: &str = "host/sandbox/tests/event_hooks.rs";
const PROVIDERS: &str = "host/sandbox/tests/identity_providers.rs";
const ADDRESSES: &str = "host/http/src/outbound/address.rs";
const OUTBOUND: &str = "host/http/src/outbound/tests.rs";
const RULES: &str = "tests/conformance/rules.rs";
const EVENT_HOOKS: &str = "tests/registry/event_hooks.rs";
const LOGINS: &str = "tests/registry/identity_provider.rs";
const NETWORK: &str = "tests/forwarders/hostile.rs";

/// The guests of `tests/plugins` by folder. Those that are made to misbehave with the file that runs them: every word of
/// their configuration stands there.
pub const GUESTS: &[(&str, Option<&str>)] = &[
    ("buffer", None),
    ("columns", None),
    ("hook", Some(HOOKS)),
    ("hostile", Some("tests/hostile/table.rs")),
    ("judge", Some(VALIDATORS)),
    ("network", Some(NETWORK)),
    ("platform", Some(PLATFORM)),
    ("provider", Some(PROVIDERS)),
    ("reports", Some("tests/hostile/table.rs")),
    ("rule", Some(RULES)),
    ("versioned", None),
];

/// The cases and their proofs.
pub const CASES: &[(&str, &[Proof])] = &[
    ("endless loop in transform", &[Call("loop", DEADLINE), Tested(SANDBOX, "a_call_ends_in_time_whatever_the_processor_does")]),
    (
        "endless loop in open",
        &[Open("loop-in-open", DEADLINE), SetUp("loop-in-targets", DEADLINE), SetUp("loop-in-sink", DEADLINE)],
    ),
    ("endless loop in the allocator", &[Call("loop-in-allocator", DEADLINE), Call("loop-in-post-return", DEADLINE)]),
    (
        "endless loop in a destructor",
        &[Call("loop-in-destructor", DEADLINE), Tested(SANDBOX, "a_destructor_that_loops_is_not_run_by_the_host")],
    ),
    ("endless loop in send", &[Report("loop-in-send", DEADLINE), Report("trap-in-send", TRAP)]),
    (
        "endless loop in flush",
        &[Report("loop-in-flush", DEADLINE), Report("trap-in-flush", TRAP), Report("flush-stopped-behind-the-end", OUTPUT)],
    ),
    ("memory.grow to the end", &[Call("grow", LIMIT), Open("grow-in-open", LIMIT), Harmless("grow-to-the-end")]),
    ("4 GiB declared memory, 100 memories", &[Tested(BOMBS, "what_a_component_declares_is_limited_when_it_is_instantiated")]),
    ("table bombs", &[Tested(BOMBS, "what_a_component_declares_is_limited_when_it_is_instantiated")]),
    ("endless recursion", &[Call("recurse", TRAP), Call("recurse-bare", LIMIT)]),
    ("host-call flood", &[Call("host-call-flood", LIMIT), Call("cheap-call-flood", DEADLINE)]),
    ("lists and strings with lengths of 2^31", &[Call("huge-list", OUTPUT), Call("huge-text", OUTPUT)]),
    ("pointers past the end", &[Call("past-the-end", OUTPUT), Call("text-past-the-end", OUTPUT)]),
    ("overlapping results", &[Call("overlapping", OUTPUT)]),
    (
        "handle leak",
        &[Tested(SANDBOX, "leaked_handles_end_the_instance_and_nothing_else"), Call("bad-handle", OUTPUT), Open("leak", FAILED)],
    ),
    ("batch of another call", &[Tested(SANDBOX, "a_batch_belongs_to_its_call"), Open("replay", FAILED), Open("keep", FAILED)]),
    ("log flood, terminal escapes", &[Harmless("log-flood"), Harmless("print-flood")]),
    ("random and clock flood", &[Call("random-flood", LIMIT), Call("clock-flood", DEADLINE)]),
    ("floods of state and figures", &[Tested(PLATFORM, "floods_of_cheap_questions_end_at_the_accounts_of_a_call")]),
    ("40,000 header fields", &[Tested(NETWORK, "a_hostile_answer_ends_at_a_limit_and_nothing_is_left_of_it")]),
    (
        "CRLF in values",
        &[
            Tested(NETWORK, "headers_with_line_breaks_are_never_sent"),
            Tested(NETWORK, "a_component_cannot_make_a_target_misread_where_a_request_ends"),
            Tested(NETWORK, "a_configuration_cannot_make_a_target_misread_where_a_request_ends"),
        ],
    ),
    (
        "SSRF: metadata, loopback, mapped, unspecified, decimal and octal addresses",
        &[
            Tested(ADDRESSES, "only_public_addresses_are_reached"),
            Tested(OUTBOUND, "connections_and_datagrams_are_checked_like_requests"),
            Tested(OUTBOUND, "of_several_addresses_only_allowed_ones_are_dialled"),
        ],
    ),
    ("redirect to private", &[Tested(NETWORK, "redirects_are_checked_counted_and_timed_together")]),
    (
        "name that resolves public first and private next",
        &[Tested(OUTBOUND, "the_address_that_was_checked_is_the_one_that_is_dialled")],
    ),
    (
        "a target that was not asked for",
        &[
            SetUp("unasked-target", REFUSED),
            SetUp("no-target", REFUSED),
            Tested(NETWORK, "a_component_reaches_nothing_but_what_it_named"),
        ],
    ),
    ("sleeping for ever", &[Tested(PLATFORM, "a_plugin_that_waits_for_ever_in_the_host_is_ended_by_the_clock")]),
    (
        "a server that answers one byte a second, or for ever",
        &[
            Tested(NETWORK, "a_connection_that_answers_a_byte_at_a_time_ends"),
            Tested(NETWORK, "a_component_that_reads_for_ever_is_ended"),
            Tested(NETWORK, "a_hostile_answer_ends_at_a_limit_and_nothing_is_left_of_it"),
        ],
    ),
    (
        "connections that are never closed",
        &[
            Tested(NETWORK, "connections_that_a_component_forgets_are_bounded_and_closed"),
            Tested(NETWORK, "a_forwarder_has_sixteen_requests_in_flight_at_most"),
        ],
    ),
    (
        "cancelled calls × 1,000",
        &[Tested(LEAKS, "a_thousand_cancelled_calls"), Tested(SANDBOX, "cancelled_calls_leave_nothing_behind")],
    ),
    ("10,000 short instantiations", &[Tested(LEAKS, "ten_thousand_instances")]),
    (
        "trap in every call",
        &[
            Call("trap", TRAP),
            Call("panic", TRAP),
            Open("trap-in-open", TRAP),
            Tested(LEAKS, "a_thousand_traps"),
            Tested(SANDBOX, "one_that_only_fails_is_suspended_and_comes_back"),
        ],
    ),
    ("an error of its own", &[Open("error", FAILED), Tested(SANDBOX, "an_error_of_the_plugin_is_not_the_sandbox_s")]),
    (
        "not a component, core module, truncated",
        &[
            Tested(LOADING, "bad_components_are_refused_by_name"),
            Tested("tests/conformance/plugins.rs", "what_is_no_plugin_is_refused_and_leaves_nothing"),
        ],
    ),
    ("500 bit flips of a good one", &[Tested(LOADING, "flipped_bits_never_do_harm")]),
    ("wrong interface version, missing export, unknown import", &[Tested(LOADING, "bad_components_are_refused_by_name")]),
    ("a precompiled file", &[Tested(LOADING, "compiled_code_from_outside_is_refused")]),
    ("an ELF", &[Tested(LOADING, "bad_components_are_refused_by_name")]),
    ("compile bombs", &[Tested(BOMBS, "compile_bombs_end_with_a_refusal_that_is_remembered")]),
    ("disabled proposals", &[Tested(LOADING, "bad_components_are_refused_by_name")]),
    ("bad UTF-8", &[Call("bad-utf8", OUTPUT), Call("bad-utf8-name", OUTPUT)]),
    ("wrong tags", &[Call("bad-kind", OUTPUT), Call("wrong-tag", OUTPUT)]),
    ("output amplification", &[Call("amplify", LIMIT), Call("amplify-bytes", LIMIT)]),
    ("false origins", &[Call("false-origin", OUTPUT), Call("fields-outside", OUTPUT), Call("fields-twice", OUTPUT)]),
    (
        "lists that do not fit each other",
        &[
            Call("bad-rows", OUTPUT),
            Call("rows-backwards", OUTPUT),
            Call("bad-field", OUTPUT),
            Call("bad-end", OUTPUT),
            Call("lists-differ", OUTPUT),
            Call("twice", OUTPUT),
            Call("wrong-length", OUTPUT),
            Call("index-outside", OUTPUT),
            Call("get-outside", OUTPUT),
        ],
    ),
    (
        "forwarder that acknowledges what it was not given",
        &[
            Report("stopped-behind-the-end", OUTPUT),
            Report("rejects-what-is-not-there", OUTPUT),
            Report("rejects-twice", OUTPUT),
            Report("rejects-behind-the-stop", OUTPUT),
            Report("rejects-very-many", OUTPUT),
        ],
    ),
    (
        "8 busy plugins of one tenant against one of another",
        &[
            Tested(PLATFORM, "a_busy_tenant_leaves_another_its_share"),
            Tested("tests/tenants/noise.rs", "a_noisy_tenant_gets_its_quota_and_a_quiet_one_no_error"),
            Tested("tests/tenants/quotas.rs", "processor_time_of_scripts_is_bounded"),
            Tested(SANDBOX, "one_that_loops_does_not_stop_its_neighbours"),
        ],
    ),
    (
        "memory patterns of one tenant searched for by another through instance reuse",
        &[Harmless("paint"), Harmless("search"), Tested(SANDBOX, "memory_of_one_instance_is_never_seen_by_another")],
    ),
    (
        "validator that traps or hangs",
        &[
            Tested(VALIDATORS, "a_validator_that_misbehaves_is_stopped_and_the_next_document_is_judged"),
            Tested(RULES, "a_rule_that_traps_or_hangs_closes_where_it_is_enforced_and_never_keeps_anything_from_being_deleted"),
        ],
    ),
    (
        "event hook that traps, hangs, grows or answers too much",
        &[
            Tested(HOOKS, "a_hook_that_misbehaves_is_stopped_and_the_next_event_is_handled"),
            Tested(EVENT_HOOKS, "a_component_that_misbehaves_hurts_nobody_and_is_shown"),
        ],
    ),
    (
        "event hook that asks for ever to be told again",
        &[
            Tested(HOOKS, "it_may_ask_for_the_event_again_or_give_it_up"),
            Tested(EVENT_HOOKS, "an_event_is_given_up_after_a_few_tries"),
        ],
    ),
    (
        "events faster than hooks take them",
        &[Tested("host/hooks/src/queue.rs", "one_tenant_fills_nine_tenths_and_others_still_find_a_place")],
    ),
    (
        "identity provider that traps, hangs, grows or names somebody with megabytes",
        &[
            Tested(PROVIDERS, "a_provider_that_misbehaves_is_stopped_and_the_next_request_is_judged"),
            Tested(LOGINS, "a_provider_that_misbehaves_lets_nobody_in_and_the_next_request_is_judged"),
        ],
    ),
    ("state keys of another tenant", &[Tested(PLATFORM, "state_is_shared_by_instances_and_not_by_tenants")]),
    (
        "secrets that were not granted",
        &[
            Tested(PLATFORM, "only_secrets_that_were_asked_for_and_approved_are_told"),
            Tested(
                "tests/conformance/plugin_surroundings.rs",
                "a_secret_is_for_plugins_that_were_granted_it_and_for_nobody_else",
            ),
        ],
    ),
    (
        "two pipelines that feed each other",
        &[Tested("host/pipelines/tests/engine/rules.rs", "pipelines_that_feed_each_other_end_with_an_error")],
    ),
];

/// Every proof.
pub fn proofs() -> impl Iterator<Item = Proof> {
    CASES.iter().flat_map(|(_, proofs)| proofs.iter().copied())
}
