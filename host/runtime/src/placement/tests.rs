use protocol::role::Role;

use super::*;

mod bytes;

fn imports(names: &[&str]) -> Vec<Import> {
    names.iter().map(|name| Import::named(name)).collect()
}

/// What everything that keeps these imports from running says.
fn refused(imports: Vec<Import>) -> Vec<String> {
    let refusals = judge(imports).expect_err("nobody has them").0;
    refusals.iter().map(ToString::to_string).collect()
}

#[test]
fn an_interface_of_each_row_is_known_in_any_version_of_its_track() {
    for row in TABLE {
        for name in row.names() {
            let used = judge_one(Import::named(&format!("{name}@{}", row.version))).expect(&name);
            assert_eq!((used.capability, used.kind), (row.capability, row.kind), "{name}");
        }
    }
    assert!(judge(imports(&["wasi:io/poll@0.2.0", "wasi:cli/stdout@0.2.99"])).is_ok());
}

#[test]
fn whatever_a_cluster_may_have_a_host_may_too() {
    for row in TABLE {
        assert!(row.capability.fits(Role::Host), "{}: it would have no home", row.capability);
    }
}

#[test]
fn an_import_the_role_lacks_excludes_that_role_and_is_named() {
    let names =
        ["wasi:io/poll@0.2.6", "wasi:filesystem/types@0.2.6", "wasi:filesystem/preopens@0.2.6"];
    let placement = judge(imports(&names)).expect("a host has them");
    assert_eq!(placement.roles().collect::<Vec<_>>(), [Role::Host]);
    let forced: Vec<_> =
        placement.forced().map(|(role, import)| format!("{role}: {import}")).collect();
    assert_eq!(
        forced,
        ["cluster: wasi:filesystem/types@0.2.6", "cluster: wasi:filesystem/preopens@0.2.6"]
    );
    assert_eq!(placement.home(None), Role::Host);
    assert_eq!(placement.home(Some(Role::Cluster)), Role::Host, "no pin moves it off");
    assert_eq!(placement.grants().into_iter().collect::<Vec<_>>(), [Capability::Fs]);
}

#[test]
fn a_pin_moves_what_fits_a_cluster_to_a_host() {
    let placement = judge(imports(&["wasi:http/outgoing-handler@0.2.6"])).expect("all have it");
    assert_eq!(placement.roles().collect::<Vec<_>>(), Role::ALL);
    assert_eq!(placement.forced().count(), 0);
    for (pin, home) in [
        (None, Role::Cluster),
        (Some(Role::Cluster), Role::Cluster),
        (Some(Role::Host), Role::Host),
    ] {
        assert_eq!(placement.home(pin), home, "{pin:?}");
    }
}

#[test]
fn what_only_runtimes_of_languages_need_asks_for_no_grant() {
    let placement =
        judge(imports(&["wasi:cli/environment@0.2.6", "wasi:http/types@0.2.6"])).expect("known");
    assert_eq!(placement.grants().len(), 0);
    let capabilities: Vec<_> = placement.capabilities().into_iter().collect();
    assert_eq!(capabilities, [Capability::Cli, Capability::Http]);
}

#[test]
fn an_unknown_version_is_told_with_the_version_there_is() {
    for (import, offered) in [
        ("wasi:io/poll@0.3.0", "0.2.12"),
        ("wasi:io/poll@0.2.0-rc-2023-11-10", "0.2.12"),
        ("wasi:io/poll", "0.2.12"),
        ("wasi:logging/logging@0.1.0", "0.1.0-draft"),
        ("system-bus:durable/steps@1.0.0", "0.1.0"),
    ] {
        let says = format!(
            "`{import}` is there in version {offered} only; build the component against that"
        );
        assert_eq!(refused(imports(&[import])), [says]);
    }
    for (import, offered) in [
        ("wasi:keyvalue/store@0.2.0", "0.2.0-draft2, 0.2.0-draft"),
        ("wasi:config/store@0.1.0", "0.2.0-rc.1, 0.2.0-draft, 0.2.0-draft-2024-09-27"),
    ] {
        let says = format!(
            "`{import}` is there in the versions {offered} only; build the component against the first"
        );
        assert_eq!(refused(imports(&[import])), [says]);
    }
}

#[test]
fn an_unknown_interface_is_told_with_the_nearest_name_if_one_is_near() {
    for (import, nearest) in [
        ("wasi:htpp/outgoing-handler@0.2.6", Some("wasi:http/outgoing-handler@0.2.12")),
        ("wasi:filesystems/types@0.2.6", Some("wasi:filesystem/types@0.2.12")),
        ("system-bus:durable/step@0.1.0", Some("system-bus:durable/steps@0.1.0")),
        ("wasi:cli/enviroment@0.2.6", Some("wasi:cli/environment@0.2.12")),
        ("wasi:sockets/tcp@0.2.6", None),
        ("wasi:keyvalue/stores@0.2.0-draft", Some("wasi:keyvalue/store@0.2.0-draft2")),
        ("wasi:blobstore/blobstore@0.2.0-draft", None),
        ("somebody:else/thing", None),
    ] {
        let says = match nearest {
            Some(nearest) => format!(
                "`{import}` is no interface of any worker; the nearest is {nearest}: import that one"
            ),
            None => {
                format!("`{import}` is no interface of any worker; build the component without it")
            }
        };
        assert_eq!(refused(imports(&[import])), [says]);
    }
}

#[test]
fn a_labelled_import_of_a_forbidden_interface_is_refused_by_the_interface() {
    let refusal =
        judge_one(Import::labelled("cache", "wasi:filesystem/types@0.2.6")).expect_err("labelled");
    assert_eq!(refusal.capability, Some(Capability::Fs), "the interface says what it is");
    assert_eq!(refusal.lack, Lack::Labelled);
    let innocent = Import::labelled("wasi:io/poll@0.2.6", "wasi:sockets/tcp@0.2.6");
    let says =
        "`wasi:io/poll@0.2.6 (implements wasi:sockets/tcp@0.2.6)` is no interface of any worker";
    let refused = refused(vec![innocent]);
    assert!(refused[0].starts_with(says), "{refused:?}");
}

#[test]
fn all_refusals_are_listed_at_once() {
    let mut asked =
        imports(&["wasi:sockets/tcp@0.2.6", "wasi:io/poll@0.2.6", "wasi:io/poll@0.3.0"]);
    asked.push(Import { name: "now".to_owned(), interface: None });
    asked.push(Import::labelled("cache", "wasi:filesystem/types@0.2.6"));
    let refused = refused(asked.clone());
    assert_eq!(refused.len(), 4, "{refused:?}");
    let refusals = judge(asked).expect_err("nobody has them");
    assert_eq!(refusals.to_string(), refused.join("; "));
    assert!(refused[2].starts_with("`now` is not an interface"), "{refused:?}");
}

#[test]
fn the_page_for_operators_has_each_row() {
    let page = include_str!("../../../../docs/placement.md");
    for row in TABLE {
        let interfaces: Vec<_> = row.interfaces.iter().map(|name| format!("`{name}`")).collect();
        let roles = if row.capability.roles() == Role::ALL { "both" } else { "host" };
        let kind = match row.kind {
            Kind::Ambient => "ambient",
            Kind::Authority => "authority",
        };
        let (package, version, capability) = (row.package, row.version, row.capability);
        let interfaces = interfaces.join(", ");
        let line = format!(
            "| `{package}/` {interfaces} | {version} | `{capability}` | {roles} | {kind} |"
        );
        assert!(page.contains(&line), "{line}");
    }
}
