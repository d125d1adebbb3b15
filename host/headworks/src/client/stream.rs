//! `stream`: settings of streams, and their records.

use super::api::Api;
use super::events::Events;
use super::records::logfmt;
use super::{Printer, texts};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use headworks_core::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::{self, Write};

#[derive(Subcommand)]
pub(super) enum Command {
    /// List streams.
    Ls,
    /// Change how long and how much of a stream is kept.
    Set {
        #[command(flatten)]
        stream: Name,
        /// Seconds that records written from now on are kept; 0 for ever.
        #[arg(long)]
        ttl: Option<u64>,
        /// MiB above which the oldest records are deleted; 0 for no bound.
        #[arg(long)]
        max_size: Option<u64>,
    },
    /// Index a field, or stop doing so.
    Index {
        #[command(flatten)]
        stream: Name,
        /// Name of the field.
        #[arg(long)]
        field: String,
        /// Remove the index.
        #[arg(long)]
        rm: bool,
    },
    /// Records of a time range, newest first.
    History {
        #[command(flatten)]
        stream: Name,
        /// RFC 3339 time; 15 minutes before the end without.
        #[arg(long, value_parser = time)]
        from: Option<Timestamp>,
        /// RFC 3339 time; now without.
        #[arg(long, value_parser = time)]
        to: Option<Timestamp>,
        #[command(flatten)]
        which: Which,
    },
    /// The latest records, oldest first.
    Tail {
        #[command(flatten)]
        stream: Name,
        /// How far back to go, such as 90s, 15m, 2h or 1d.
        #[arg(long, default_value = "15m", value_parser = period)]
        period: i64,
        /// Go on with new records as they arrive.
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        which: Which,
    },
    /// New records as they arrive.
    Watch {
        #[command(flatten)]
        stream: Name,
        #[command(flatten)]
        which: Which,
    },
    /// Delete a stream with all its records.
    Purge {
        #[command(flatten)]
        stream: Name,
    },
}

#[derive(Args)]
pub(super) struct Name {
    /// Name of the stream.
    #[arg(long, default_value = "default")]
    name: String,
}

/// Which records.
#[derive(Args)]
pub(super) struct Which {
    /// An expression over the fields, such as 'level == "error"'.
    #[arg(long)]
    filter: Option<String>,
    /// Only records with this value of an indexed field; may be repeated.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    index: Vec<(String, String)>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "a time such as 2026-03-05T14:25:11Z is expected".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or("field=value is expected")?;
    Ok((field.to_owned(), value.to_owned()))
}

/// Milliseconds.
fn period(text: &str) -> Result<i64, String> {
    let parse = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.parse::<u32>().ok().map(|number| i64::from(number) * unit)
    };
    parse().ok_or_else(|| "a time such as 90s, 15m, 2h or 1d is expected".to_owned())
}

impl Which {
    /// As parameters of a query or a watch.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if let Some(filter) = &self.filter {
            parameters.push(("filter", filter.clone()));
        }
        if !self.index.is_empty() {
            let mut wanted: Map<String, Value> = Map::new();
            for (field, value) in &self.index {
                let values = wanted.entry(field).or_insert_with(|| Value::Array(Vec::new()));
                values.as_array_mut().into_iter().for_each(|values| values.push(value.as_str().into()));
            }
            parameters.push(("indexing", Value::Object(wanted).to_string()));
        }
        parameters
    }

    /// The records of a time range, newest first.
    fn query(&self, api: &Api, stream: &str, from: Timestamp, to: Timestamp) -> Result<Value> {
        let mut parameters = self.parameters();
        parameters.extend([("from", from.rfc3339()), ("to", to.rfc3339())]);
        api.find(&["streams", stream, "logs"], &borrowed(&parameters), "records")
    }

    /// New records.
    fn watch(&self, api: &Api, stream: &str) -> Result<Events<impl io::Read + use<>>> {
        Ok(Events::new(api.open(&["streams", stream, "logs", "watch"], &borrowed(&self.parameters()))?))
    }
}

fn borrowed<'a>(parameters: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => {
                let streams = api.get(&["streams"], "streams")?;
                let mut names: Vec<String> = streams.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
                names.sort_unstable();
                printer.print(&streams, names)
            }
            Self::Set { stream, ttl, max_size } => configure(api, printer, &stream.name, |config| {
                for (member, value) in [("ttl", ttl), ("size", max_size)] {
                    if let Some(value) = value {
                        config.insert(member.to_owned(), value.into());
                    }
                }
            }),
            Self::Index { stream, field, rm } => configure(api, printer, &stream.name, |config| {
                let mut fields = config.get("indexed_fields").map(texts).unwrap_or_default();
                fields.retain(|known| *known != field);
                if !rm {
                    fields.push(field);
                }
                config.insert("indexed_fields".to_owned(), fields.into());
            }),
            Self::History { stream, from, to, which } => {
                let to = to.unwrap_or_else(Timestamp::now);
                let from = from.unwrap_or_else(|| Timestamp::from_millis(to.millis() - 15 * 60_000));
                let records = which.query(api, &stream.name, from, to)?;
                let lines = records.as_array().into_iter().flatten().map(logfmt).collect::<Vec<_>>();
                printer.print(&records, lines)
            }
            Self::Tail { stream, period, follow: false, which } => {
                let mut records = latest(api, &stream.name, period, &which)?;
                records.reverse();
                let lines = records.iter().map(logfmt).collect::<Vec<_>>();
                printer.print(&Value::Array(records), lines)
            }
            Self::Tail { stream, period, follow: true, which } => follow(api, printer, &stream.name, period, &which),
            Self::Watch { stream, which } => {
                let mut events = which.watch(api, &stream.name)?;
                while let Some(record) = events.next()? {
                    show(printer, &record)?;
                }
                bail!("the server ended the stream of events")
            }
            Self::Purge { stream } => {
                api.delete(&["streams", &stream.name])?;
                printer.done()
            }
        }
    }
}

/// Changes the settings of a stream.
fn configure(api: &Api, printer: Printer, name: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let mut config = api.get(&["streams", name], "config")?;
    change(config.as_object_mut().context("the settings of the stream are no object")?);
    api.put(&["streams", name], &serde_json::json!({"config": config}))?;
    printer.done()
}

/// Records of the last `period` milliseconds, newest first.
fn latest(api: &Api, stream: &str, period: i64, which: &Which) -> Result<Vec<Value>> {
    // The clock of the server may be ahead of ours.
    let now = Timestamp::now().millis();
    let records = which.query(api, stream, Timestamp::from_millis(now - period), Timestamp::from_millis(now + 60_000))?;
    match records {
        Value::Array(records) => Ok(records),
        _ => bail!("the records are no list"),
    }
}

/// The latest records and, without a gap, those that follow: watching begins before the query, and what both show is shown
/// once.
fn follow(api: &Api, printer: Printer, stream: &str, period: i64, which: &Which) -> Result<()> {
    let mut events = which.watch(api, stream)?;
    let mut shown: HashMap<String, usize> = HashMap::new();
    for record in latest(api, stream, period, which)?.iter().rev() {
        show(printer, record)?;
        *shown.entry(record.to_string()).or_default() += 1;
    }
    while let Some(record) = events.next()? {
        if let Some(count) = shown.get_mut(&record.to_string()).filter(|count| **count > 0) {
            *count -= 1;
        } else {
            show(printer, &record)?;
        }
    }
    bail!("the server ended the stream of events")
}

/// Prints one record of a stream without an end: a line each, whatever the form.
fn show(printer: Printer, record: &Value) -> Result<()> {
    let mut out = io::stdout().lock();
    if printer.is_json() {
        writeln!(out, "{record}")?
    } else {
        writeln!(out, "{}", logfmt(record))?
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_unit() {
        assert_eq!(
            (period("90s"), period("15m"), period("2h"), period("1d")),
            (Ok(90_000), Ok(900_000), Ok(7_200_000), Ok(86_400_000))
        );
        for wrong in ["", "m", "15", "-1m", "1.5h", "1w", "15ä"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_of_one_field_are_gathered() {
        let index = ["a=1", "b=x=y", "a=2"].map(|text| pair(text).unwrap()).to_vec();
        let parameters = Which { filter: None, index }.parameters();
        assert_eq!(parameters, [("indexing", r#"{"a":["1","2"],"b":["x=y"]}"#.to_owned())]);
    }
}
