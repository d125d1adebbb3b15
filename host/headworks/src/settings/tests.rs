//! Layers of settings, and what is said of them in `docs/`.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headworks.toml");
    std::fs::write(&file, "data = \"file\"\nmanagement = \"file:1\"\n[http]\nbody_bytes = 1\nheaders = 7\n").unwrap();
    let arguments = ServeArguments { config: Some(file), data: Some("argument".into()), ..ServeArguments::default() };
    let variables = [
        ("HEADWORKS_DATA", "environment"),
        ("HEADWORKS_HTTP_BODY_BYTES", "2"),
        ("HEADWORKS_LISTEN", "a:1, b:2"),
        ("FLOWG_HTTP_BIND_ADDRESS", "c:3"),
        ("FLOWG_SYSLOG_BIND_ADDRESS", ":514"),
        ("FLOWG_SYSLOG_PROTOCOL", "tcp"),
        ("FLOWG_SYSLOG_TLS_ENABLED", "false"),
        ("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", "::1,10.0.0.0/8"),
        ("FLOWG_AUTH_INITIAL_PASSWORD", "123"),
        ("HEADWORKS_EXAMPLE", ""),
    ];
    let settings = Settings::of(&arguments, &environment(&variables)).unwrap();
    assert_eq!(settings.data, Path::new("argument"));
    assert_eq!(settings.management, "file:1");
    assert_eq!(settings.listen, ["a:1", "b:2"]);
    assert_eq!(settings.bootstrap.password.as_deref(), Some("123"));
    assert_eq!(settings.example, None);
    assert_eq!((settings.syslog.as_str(), settings.syslog_protocol), (":514", Some(SyslogProtocol::Tcp)));
    assert_eq!((settings.syslog_tls.enabled, settings.syslog_allowed_origins.len()), (Some(false), 2));
    let limits = settings.http_limits().unwrap();
    assert_eq!((limits.body_bytes, limits.headers), (2, 7));
}

#[test]
fn every_name_exists() {
    for (name, kind) in &names().unwrap() {
        let value = match name.as_str() {
            "durability" => "buffered",
            "log.format" => "json",
            "syslog_protocol" => "udp",
            "http.tls.client_auth" | "management_tls.client_auth" => "optional",
            "registry.security" => "open",
            "registry.ldap.strategy" => "START_TLS",
            "registry.ldap.referrals" => "follow",
            "registry.ldap.identity" => "use_username",
            "registry.aliases" => "a=http://b",
            _ if *kind == Kind::Number => "9000",
            _ if *kind == Kind::Switch => "true",
            _ => "x",
        };
        let settings = Settings::of(&ServeArguments::default(), &environment(&[(&variable(name), value)])).expect(name);
        if let Some(name) = name.strip_prefix("sandbox.") {
            assert_eq!(Table::try_from(settings.sandbox).unwrap()[name].as_integer(), Some(9000), "{name}");
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let documented = concat!(include_str!("../../../../docs/operating.md"), include_str!("../../../../docs/ingestion.md"));
    for (name, _) in names().unwrap() {
        let in_section = name.split_once('.').is_some_and(|(section, member)| match section {
            "sandbox" => documented.contains(&format!("`{member}`")),
            // Several members of one section stand in one row.
            _ => documented.contains(&format!("`{section}.*`")) || documented.contains(&format!("`.{member}`")),
        });
        assert!(
            documented.contains(&format!("`{name}`")) || in_section,
            "neither docs/operating.md nor docs/ingestion.md knows {name}"
        );
    }
}

#[test]
fn mistakes_are_named() {
    let fails = |pairs: &[(&str, &str)]| {
        format!("{:#}", Settings::of(&ServeArguments::default(), &environment(pairs)).map(drop).unwrap_err())
    };
    assert!(fails(&[("HEADWORKS_HTTP_HEADERS", "many")]).contains("HEADWORKS_HTTP_HEADERS=many"));
    assert!(fails(&[("HEADWORKS_DURABILITY", "maybe")]).contains("maybe"));
    assert!(fails(&[("HEADWORKS_AUDIT_DAYS", "0")]).contains("audit_days has to be at least 1"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headworks.toml");
    std::fs::write(&file, "[http]\nbodies = 1\n").unwrap();
    assert!(fails(&[("HEADWORKS_CONFIG", file.to_str().unwrap())]).contains("bodies"));
    std::fs::write(&file, "secret_key = \"hush").unwrap();
    let text = fails(&[("HEADWORKS_CONFIG", file.to_str().unwrap())]);
    assert!(text.contains("line 1") && !text.contains("hush"), "{text}");
}

#[test]
fn limits_of_the_sandbox_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headworks.toml");
    let of = |text: &str, pairs: &[(&str, &str)]| {
        std::fs::write(&file, text).unwrap();
        let arguments = ServeArguments { config: Some(file.clone()), ..ServeArguments::default() };
        Settings::of(&arguments, &environment(pairs)).and_then(|settings| settings.sandbox_limits())
    };
    let limits = of("[sandbox]\ncall_cpu_ms = 2000\nhandles = 5\n", &[("HEADWORKS_SANDBOX_HANDLES", "7")]).unwrap();
    assert_eq!(limits, Limits { call_cpu: Duration::from_secs(2), handles: 7, ..Limits::default() });
    for (text, pairs, part) in [
        ("[sandbox]\nmemory = 268435457\n", &[][..], "sandbox.memory has to be at least 1048576 and at most 268435456"),
        ("", &[("HEADWORKS_SANDBOX_CALL_CPU_MS", "30001")], "sandbox.call_cpu_ms"),
        ("", &[("HEADWORKS_SANDBOX_TABLES", "0")], "sandbox.tables"),
        ("", &[("HEADWORKS_SANDBOX_TABLES", "-1")], "sandbox.tables"),
        ("[sandbox]\ncall_cpu = 5\n", &[], "call_cpu"),
        ("[sandbox]\nmemory = \"much\"\n", &[], "sandbox.memory"),
        ("", &[("HEADWORKS_SANDBOX_CALL_CPU", "5")], "HEADWORKS_SANDBOX_CALL_CPU"),
    ] {
        let error = format!("{:#}", of(text, pairs).unwrap_err());
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn names_of_other_installations_are_understood_and_unknown_ones_are_told() {
    let variables = [
        ("FLOWG_DEMO_MODE", "true"),
        ("FLOWG_HTTP_MOUNT_PATH", "/logs/"),
        ("FLOWG_HTTP_TLS_ENABLED", "1"),
        ("FLOWG_HTTP_TLS_CERT", "a.pem"),
        ("FLOWG_HTTP_TLS_KEY", "b.pem"),
        ("FLOWG_MGMT_TLS_ENABLED", "false"),
        ("FLOWG_MGMT_TLS_CERT", "c.pem"),
        ("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", "::1, 10.0.0.0/8"),
        ("FLOWG_BADGER_LOG_DIR", "x"),
        ("FLOWG_API_TOKEN", "x"),
    ];
    let settings = Settings::of(&ServeArguments::default(), &environment(&variables)).unwrap();
    assert!(settings.demo);
    assert_eq!(settings.mount().unwrap(), "/logs");
    assert_eq!(settings.http.tls.files("http.tls").unwrap(), Some((Path::new("a.pem"), Path::new("b.pem"))));
    assert_eq!(settings.management_tls.files("management_tls").unwrap(), None);
    assert_eq!(settings.syslog_allowed_origins, ["::1", "10.0.0.0/8"]);
    assert_eq!(settings.unknown, ["FLOWG_BADGER_LOG_DIR"]);
}

#[test]
fn a_mount_path_is_plain_and_tls_needs_both_files() {
    let mount = |path: &str| {
        let settings = Settings::of(&ServeArguments::default(), &environment(&[("HEADWORKS_HTTP_MOUNT", path)])).unwrap();
        settings.mount().map(str::to_owned).ok()
    };
    for (path, expected) in [("/", Some("")), ("/a/b", Some("/a/b")), ("a", None), ("/{x}", None), ("/a//b", None), ("/ä", None)]
    {
        assert_eq!(mount(path).as_deref(), expected, "{path}");
    }
    for name in ["HEADWORKS_HTTP_TLS_CERT", "HEADWORKS_HTTP_TLS_KEY", "HEADWORKS_HTTP_TLS_ENABLED"] {
        let settings = Settings::of(&ServeArguments::default(), &environment(&[(name, "1")])).unwrap();
        assert!(settings.http.tls.files("http.tls").is_err(), "{name}");
    }
}

#[test]
fn addresses_are_resolved() {
    assert_eq!(address(":5080").unwrap().to_string(), "0.0.0.0:5080");
    assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
    assert!(address("5080").is_err());
}
