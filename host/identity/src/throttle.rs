//! Slowing down those who guess passwords.
//!
//! Failures are counted per user and per address; each count melts with time. An attempt counts as a failure until it has
//! succeeded, so that attempts at the same time are counted too. Memory is bounded: what has melted is forgotten first, then
//! what is oldest.

use headworks_core::{Error, ErrorCode, Result, TenantId, Timestamp};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many failures are free, and how long one takes to melt.
#[derive(Clone, Copy)]
struct Rule {
    free: u32,
    melt_ms: i64,
}

/// Of one user: 10 at once, then one every six seconds.
const USER: Rule = Rule { free: 10, melt_ms: 6_000 };
/// From one address: 50 at once, then one a second.
const ADDRESS: Rule = Rule { free: 50, melt_ms: 1_000 };
/// The most users, and the most addresses, that are remembered.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(crate) struct Throttle(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    users: HashMap<(TenantId, String), Count>,
    addresses: HashMap<IpAddr, Count>,
}

/// The moment (ms since 1970) at which all failures will have melted: more failures move it further away.
#[derive(Clone, Copy)]
struct Count(i64);

impl Count {
    /// How long to wait (ms) before one more attempt is free.
    fn wait(self, rule: Rule, now: i64) -> i64 {
        (self.0 - now - i64::from(rule.free - 1) * rule.melt_ms).max(0)
    }
}

/// A login under way. It stays counted unless it succeeds.
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    user: (TenantId, String),
    address: IpAddr,
}

impl Throttle {
    /// Counts an attempt.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] says how long to wait.
    pub(crate) fn attempt(&self, tenant: TenantId, user: &str, from: IpAddr, now: Timestamp) -> Result<Attempt<'_>> {
        let attempt = Attempt { throttle: self, user: (tenant, user.to_owned()), address: network(from) };
        let now = now.millis();
        let mut counts = self.lock();
        let known = |count: Option<&Count>, rule| count.map_or(0, |count| count.wait(rule, now));
        let wait = known(counts.users.get(&attempt.user), USER).max(known(counts.addresses.get(&attempt.address), ADDRESS));
        if wait > 0 {
            let seconds = (wait + 999) / 1000;
            let text = format!("too many failed logins of this user or from this address; try again in {seconds} s");
            return Err(Error::new(ErrorCode::Exhausted, text).after(Duration::from_millis(wait.unsigned_abs())));
        }
        add(&mut counts.users, attempt.user.clone(), USER, now);
        add(&mut counts.addresses, attempt.address, ADDRESS, now);
        Ok(attempt)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The attempt was none of a guesser: it is not counted.
    pub(crate) fn succeeded(self) {
        let mut counts = self.throttle.lock();
        if let Some(count) = counts.users.get_mut(&self.user) {
            count.0 -= USER.melt_ms;
        }
        if let Some(count) = counts.addresses.get_mut(&self.address) {
            count.0 -= ADDRESS.melt_ms;
        }
    }
}

fn add<K: Hash + Eq + Clone>(counts: &mut HashMap<K, Count>, key: K, rule: Rule, now: i64) {
    if counts.len() >= REMEMBERED && !counts.contains_key(&key) {
        counts.retain(|_, count| count.0 > now);
        if counts.len() >= REMEMBERED
            && let Some(oldest) = counts.iter().min_by_key(|(_, count)| count.0).map(|(key, _)| key.clone())
        {
            counts.remove(&oldest);
        }
    }
    let count = counts.entry(key).or_insert(Count(now));
    count.0 = count.0.max(now) + rule.melt_ms;
}

/// What counts as one address: with IPv6 a whole /64, which one customer has to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address => address,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_322_985_500;

    fn fail(throttle: &Throttle, user: &str, from: &str, at: i64) -> Result<()> {
        throttle.attempt(TenantId::DEFAULT, user, from.parse().unwrap(), Timestamp::from_millis(at)).map(drop)
    }

    fn failures(throttle: &Throttle, at: i64, attempt: impl Fn(u32) -> (String, String)) -> u32 {
        (0..200)
            .take_while(|&index| {
                let (user, from) = attempt(index);
                fail(throttle, &user, &from, at).is_ok()
            })
            .count() as u32
    }

    #[test]
    fn a_user_is_slowed_down_from_wherever_it_is_tried() {
        let throttle = Throttle::default();
        assert_eq!(failures(&throttle, NOW, |index| ("root".into(), format!("10.0.0.{index}"))), USER.free);
        let error = fail(&throttle, "root", "10.1.0.1", NOW).unwrap_err();
        assert_eq!(error.code, ErrorCode::Exhausted);
        assert!(error.message.ends_with("try again in 6 s"), "{}", error.message);
        fail(&throttle, "anna", "10.0.0.1", NOW).unwrap();
        fail(&throttle, "root", "10.1.0.1", NOW + USER.melt_ms).unwrap();
        fail(&throttle, "root", "10.1.0.1", NOW + USER.melt_ms).unwrap_err();
        let all = i64::from(USER.free) * USER.melt_ms * 2;
        assert_eq!(failures(&throttle, NOW + all, |_| ("root".into(), "10.2.0.1".into())), USER.free);
    }

    #[test]
    fn an_address_is_slowed_down_whomever_it_tries() {
        let throttle = Throttle::default();
        assert_eq!(failures(&throttle, NOW, |index| (format!("user{index}"), "2001:db8::1".into())), ADDRESS.free);
        fail(&throttle, "anna", "2001:db8::ffff", NOW).unwrap_err();
        fail(&throttle, "anna", "2001:db8:0:1::1", NOW).unwrap();
        fail(&throttle, "anna", "2001:db8::1", NOW + ADDRESS.melt_ms).unwrap();
    }

    #[test]
    fn success_is_not_counted() {
        let throttle = Throttle::default();
        for _ in 0..500 {
            let attempt = throttle.attempt(TenantId::DEFAULT, "root", IpAddr::from([127, 0, 0, 1]), Timestamp::from_millis(NOW));
            attempt.unwrap().succeeded();
        }
        assert_eq!(failures(&throttle, NOW, |_| ("root".into(), "127.0.0.1".into())), USER.free);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for index in 0..REMEMBERED as u32 + 500 {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(index));
            drop(throttle.attempt(
                TenantId::DEFAULT,
                &index.to_string(),
                from,
                Timestamp::from_millis(NOW + i64::from(index) / 100),
            ));
        }
        let counts = throttle.lock();
        assert!(counts.users.len() <= REMEMBERED && counts.addresses.len() <= REMEMBERED);
    }
}
