//! The two forms of a message and how they are told apart.

use headworks_core::Timestamp;
use std::net::IpAddr;
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// What a message without PRI counts as: user, notice (RFC 3164 4.3.3).
const UNKNOWN_PRIORITY: u8 = 13;
const HIGHEST_PRIORITY: u16 = 191;

pub(super) enum Message<'m> {
    Traditional(Traditional<'m>),
    Modern(Modern<'m>),
}

/// RFC 3164.
pub(super) struct Traditional<'m> {
    pub(super) priority: u8,
    pub(super) time: Option<OffsetDateTime>,
    /// Empty where the message has none.
    pub(super) hostname: &'m str,
    pub(super) tag: &'m str,
    pub(super) content: &'m str,
}

/// RFC 5424.
pub(super) struct Modern<'m> {
    pub(super) priority: u8,
    pub(super) version: &'m str,
    pub(super) time: Option<OffsetDateTime>,
    pub(super) hostname: &'m str,
    pub(super) app_name: &'m str,
    pub(super) proc_id: &'m str,
    pub(super) msg_id: &'m str,
    pub(super) structured_data: &'m str,
    pub(super) message: &'m str,
}

/// Reads a message of either form. What fits neither is an RFC 3164 message whose content is everything that was not read.
pub(super) fn message(text: &str, received: Timestamp) -> Message<'_> {
    let Some((priority, rest)) = priority(text) else {
        let (hostname, tag) = ("", "");
        return Message::Traditional(Traditional { priority: UNKNOWN_PRIORITY, time: None, hostname, tag, content: text });
    };
    match modern(priority, rest) {
        Some(message) => Message::Modern(message),
        None => Message::Traditional(traditional(priority, rest, received)),
    }
}

/// `<34>` in front of a message.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let plausible = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = digits.parse().ok().filter(|number| plausible && *number <= HIGHEST_PRIORITY)?;
    Some((u8::try_from(number).ok()?, rest))
}

/// `1 2003-10-11T22:14:15.003Z host app 111 ID47 [a@1 b="c"] text`. Structured data that is missing or never ends is taken
/// for text, which some senders make of it.
fn modern(priority: u8, rest: &str) -> Option<Modern<'_>> {
    let (version, rest) = rest.split_once(' ')?;
    let plausible = (1..=3).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
    if !plausible || version.starts_with('0') {
        return None;
    }
    let (time, rest) = rest.split_once(' ')?;
    let time = if time == "-" { None } else { Some(rfc3339(time)?) };
    let (hostname, rest) = word(rest)?;
    let (app_name, rest) = word(rest)?;
    let (proc_id, rest) = word(rest)?;
    let (msg_id, rest) = word(rest).or_else(|| (!rest.is_empty()).then_some((rest, "")))?;
    let (structured_data, message) = structured_data(rest).unwrap_or(("-", rest));
    let message = message.strip_prefix('\u{feff}').unwrap_or(message);
    Some(Modern { priority, version, time, hostname, app_name, proc_id, msg_id, structured_data, message })
}

/// Up to the next space, which has to be there.
fn word(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ').filter(|(word, _)| !word.is_empty())
}

/// `-` or `[…][…]`, and what comes after the space behind it.
fn structured_data(text: &str) -> Option<(&str, &str)> {
    let end = if text.starts_with('-') { 1 } else { elements(text)? };
    let (data, rest) = text.split_at_checked(end)?;
    if rest.is_empty() { Some((data, "")) } else { Some((data, rest.strip_prefix(' ')?)) }
}

/// The bytes that the elements in front of a text take; brackets within quotes do not count.
fn elements(text: &str) -> Option<usize> {
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if inside => quoted = !quoted,
            b']' if inside && !quoted => inside = false,
            b'[' if !inside => inside = true,
            _ if !inside => return (at > 0).then_some(at),
            _ => {}
        }
    }
    (!inside && !text.is_empty()).then_some(text.len())
}

/// `Oct 11 22:14:15 host tag[pid]: text`. Without a time everything is content (RFC 3164 4.3.2).
fn traditional(priority: u8, rest: &str, received: Timestamp) -> Traditional<'_> {
    let Some((time, rest)) = time(rest, received) else {
        return Traditional { priority, time: None, hostname: "", tag: "", content: rest };
    };
    let (hostname, rest) = match rest.split_once(' ') {
        // Local senders leave the host out: what ends like a tag is one.
        Some((word, _)) if word.ends_with(':') && word.parse::<IpAddr>().is_err() => ("", rest),
        Some(split) => split,
        None => (rest, ""),
    };
    let (tag, content) = tag(rest);
    Traditional { priority, time, hostname, tag, content }
}

/// The tag and the content behind it. The process id in brackets is dropped.
fn tag(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['[', ':', ' ']) else { return ("", text) };
    let (tag, rest) = text.split_at_checked(end).unwrap_or(("", text));
    if rest.starts_with('[') {
        return match rest.split_once(']') {
            Some((_, rest)) if !tag.is_empty() => (tag, after(rest)),
            _ => (tag, rest),
        };
    }
    (tag, after(rest))
}

/// What comes after a colon and a space, or one of them.
fn after(text: &str) -> &str {
    let text = text.strip_prefix(':').unwrap_or(text);
    text.strip_prefix(' ').unwrap_or(text)
}

/// The time in front of an RFC 3164 message, and what comes after the space behind it. The time is `None` where it cannot be,
/// such as the 29th of February in another year.
fn time(text: &str, received: Timestamp) -> Option<(Option<OffsetDateTime>, &str)> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let (time, rest) = text.split_once(' ').unwrap_or((text, ""));
        return Some((Some(rfc3339(time)?), rest));
    }
    let (month, rest) = text.split_once(' ')?;
    let month = month_of(month)?;
    let (day, rest) = rest.strip_prefix(' ').unwrap_or(rest).split_once(' ')?;
    let (clock, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let day = number(day, 31)?;
    let clock = clock_of(clock)?;
    // The time has no year: it is taken for the present one (FlowG 13).
    let year = OffsetDateTime::from_unix_timestamp(received.seconds()).ok()?.year();
    let date = Date::from_calendar_date(year, month, day).ok();
    Some((date.map(|date| date.with_time(clock).assume_utc()), rest))
}

fn month_of(text: &str) -> Option<Month> {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let place = NAMES.iter().position(|name| *name == text)?;
    Month::try_from(u8::try_from(place + 1).ok()?).ok()
}

/// `22:14:15`, or `22:14:15.003`.
fn clock_of(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !digits {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    Time::from_hms_nano(number(hour, 23)?, number(minute, 59)?, number(second, 59)?, nanos).ok()
}

/// One or two digits.
fn number(text: &str, most: u8) -> Option<u8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}

fn rfc3339(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
}
