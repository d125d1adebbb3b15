//! The address of the API as the client sees it, behind whatever proxies (NiFi Registry 2.5).

use crate::call::Call;
use crate::{PREFIX, RegistryOptions};
use axum::http::HeaderMap;
use headworks_identity::Security;

/// Absolute, without a slash at its end.
pub(crate) fn of(call: &Call) -> String {
    server(call) + PREFIX
}

/// The address of the user interface.
pub(crate) fn home(call: &Call) -> String {
    server(call) + "/nifi-registry"
}

/// What stands before the paths of this server, without a slash at its end.
pub(crate) fn server(call: &Call) -> String {
    // Where everybody has to prove who he is, a proxy ends TLS if the server does not.
    let tls = call.context.tls() || call.app.options.security == Security::Secured;
    address(&call.app.options, call.headers(), call.host().unwrap_or("localhost"), tls)
}

fn address(options: &RegistryOptions, headers: &HeaderMap, host: &str, tls: bool) -> String {
    let allowed = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_none_or(|list| list.iter().any(|one| one.trim_matches('/').eq_ignore_ascii_case(value)))
    };
    let first = |names: &[&str]| {
        let values = names.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
        values.map(|value| value.split(',').next().unwrap_or_default().trim()).find(|value| !value.is_empty())
    };
    let scheme = first(&["x-proxyscheme", "x-forwarded-proto"]).unwrap_or(if tls { "https" } else { "http" });
    let forwarded = first(&["x-proxyhost", "x-forwarded-server", "x-forwarded-host"]);
    let forwarded = forwarded.filter(|host| allowed(&options.forwarded_hosts, split(host).0));
    let (host, own_port) = split(forwarded.unwrap_or(host));
    let port = first(&["x-proxyport", "x-forwarded-port"]).or(own_port);
    let context = first(&["x-proxycontextpath", "x-forwarded-context", "x-forwarded-prefix"]).unwrap_or_default();
    let context = context.trim_matches('/');
    let context = if allowed(&options.forwarded_contexts, context) { context } else { "" };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let slash = if context.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}{port}{slash}{context}")
}

/// Host and port; an address of IPv6 stands in brackets.
fn split(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn seen(headers: &[(&'static str, &str)]) -> String {
        seen_with(&RegistryOptions::default(), headers)
    }

    fn seen_with(options: &RegistryOptions, headers: &[(&'static str, &str)]) -> String {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        address(options, &headers, "own:18080", false) + PREFIX
    }

    #[test]
    fn only_hosts_and_paths_of_the_lists_are_believed() {
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let options = RegistryOptions {
            forwarded_hosts: list(&["good.example"]),
            forwarded_contexts: list(&["/apps/registry"]),
            ..RegistryOptions::default()
        };
        let headers = |host, context| [("x-forwarded-host", host), ("x-forwarded-prefix", context)];
        let seen = |host, context| seen_with(&options, &headers(host, context));
        assert_eq!(seen("good.example:8443", "/apps/registry"), "http://good.example:8443/apps/registry/nifi-registry-api");
        assert_eq!(seen("evil.example", "/evil"), "http://own:18080/nifi-registry-api");
    }

    #[test]
    fn the_address_is_that_of_the_request() {
        assert_eq!(seen(&[]), "http://own:18080/nifi-registry-api");
    }

    #[test]
    fn proxies_say_where_they_are() {
        let both = [("x-proxyscheme", "https"), ("x-forwarded-proto", "http")];
        assert_eq!(seen(&both), "https://own:18080/nifi-registry-api");
        assert_eq!(seen(&[("x-forwarded-host", "a.b")]), "http://a.b/nifi-registry-api");
        assert_eq!(seen(&[("x-proxyhost", "a.b:81")]), "http://a.b:81/nifi-registry-api");
        assert_eq!(seen(&[("x-proxyhost", "a.b:81"), ("x-proxyport", "9")]), "http://a.b:9/nifi-registry-api");
        assert_eq!(seen(&[("x-forwarded-port", "9")]), "http://own:9/nifi-registry-api");
        assert_eq!(seen(&[("x-proxycontextpath", "/x/y/")]), "http://own:18080/x/y/nifi-registry-api");
        assert_eq!(seen(&[("x-proxyhost", "[::1]:5")]), "http://[::1]:5/nifi-registry-api");
    }
}
