use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::Deserialize;

use super::*;
use crate::delivery::Headers;
use crate::provider::{Provider, Trust};
use crate::testing::{Known, signed};

const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn delivery(headers: &[(&str, String)], body: &[u8]) -> Delivery {
    Delivery {
        headers: Headers::new(headers.iter().map(|(name, value)| (*name, value.as_str()))),
        body: Bytes::copy_from_slice(body),
        at: at(NOW),
        from: [127, 0, 0, 1].into(),
    }
}

fn checks(provider: &str) -> Vec<Check> {
    let (_, text) =
        crate::provider::BUILT_IN.iter().find(|(name, _)| *name == provider).expect("a provider");
    let Trust::Signed(checks) = Provider::parse(provider, text).expect("sound").trust else {
        panic!("it is signed")
    };
    checks
}

fn hmac(method: Method, key: &str, signed: &[u8]) -> Vec<u8> {
    method.sign(key.as_bytes(), signed).expect("a symmetric method")
}

#[derive(Deserialize)]
struct Vectors {
    key: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    text: String,
    json: String,
    signature: String,
}

#[test]
fn json_is_written_as_javascript_writes_it_and_signed_so_by_front() {
    let vectors: Vectors =
        serde_json::from_str(include_str!("../../tests/vectors/stringify.json")).expect("vectors");
    assert!(vectors.vectors.len() > 70);
    let secrets = Known::of(&[("front_rules_webhook_secret", &vectors.key)]);
    for vector in vectors.vectors {
        let text = BASE64_STANDARD.decode(&vector.text).expect("base64");
        let json = BASE64_STANDARD.decode(&vector.json).expect("base64");
        let shown = String::from_utf8_lossy(&text).into_owned();
        let made = compact(&text).map(|made| String::from_utf8_lossy(&made).into_owned());
        assert_eq!(made, Some(String::from_utf8_lossy(&json).into_owned()), "{shown}");
        let front = delivery(&[("x-front-signature", vector.signature)], &text);
        assert!(verify(&checks("front"), &front, &secrets).is_ok(), "{shown}");
    }
}

/// Everything that makes a right delivery wrong, for every provider.
#[test]
fn each_provider_believes_what_is_right_and_nothing_else() {
    for (provider, _) in crate::provider::BUILT_IN {
        let right = signed(provider, br#"{"type":"x","n":1.0}"#, NOW);
        let checks = checks(provider);
        let secrets = Known::of(&right.secrets());
        let refused = |headers: &[(&str, String)], body: &[u8], secrets: &Known| {
            verify(&checks, &delivery(headers, body), secrets).err()
        };
        let with = |name: &str, value: String| -> Vec<(&str, String)> {
            let each = right.headers.iter().map(|(known, held)| {
                let value = if *known == name { value.clone() } else { held.clone() };
                (*known, value)
            });
            each.collect()
        };
        assert_eq!(refused(&right.headers, &right.body, &secrets), None, "{provider}");
        let mut changed = right.body.clone();
        changed[3] ^= 1;
        assert_eq!(
            refused(&right.headers, &changed, &secrets),
            Some(Refused::Wrong),
            "{provider}: body"
        );
        assert_eq!(
            refused(&right.headers, b"", &secrets),
            Some(Refused::Wrong),
            "{provider}: no body"
        );
        let empty = Known::of(&[]);
        assert_eq!(
            refused(&right.headers, &right.body, &empty),
            Some(Refused::NoSecret),
            "{provider}"
        );
        let other: Vec<_> = right.secrets().iter().map(|(name, _)| (*name, right.other)).collect();
        assert_eq!(
            refused(&right.headers, &right.body, &Known::of(&other)),
            Some(Refused::Wrong),
            "{provider}: another secret"
        );
        let without: Vec<_> =
            right.headers.iter().filter(|(name, _)| *name != right.header).cloned().collect();
        assert_eq!(
            refused(&without, &right.body, &secrets),
            Some(Refused::NoSignature),
            "{provider}"
        );
        let twice =
            [right.headers.clone(), vec![(right.header, right.signature().to_owned())]].concat();
        assert_eq!(
            refused(&twice, &right.body, &secrets),
            Some(Refused::Malformed),
            "{provider}: twice"
        );
        for broken in [
            String::new(),
            " ".to_owned(),
            right.signature().to_uppercase() + "x",
            right.signature().replace('=', " "),
            format!("{}, {}", right.signature(), "x".repeat(5000)),
        ] {
            if broken == right.signature() {
                continue;
            }
            let found = refused(&with(right.header, broken.clone()), &right.body, &secrets);
            assert!(found.is_some(), "{provider}: {broken:?}");
        }
        if let Some(header) = right.time {
            for (away, fits) in
                [(300, true), (-300, true), (301, false), (-301, false), (86_400, false)]
            {
                let moved = signed(provider, &right.body, NOW + away);
                let found = refused(&moved.headers, &moved.body, &secrets);
                let stale = Some(Refused::Stale { seconds: away.unsigned_abs() });
                assert_eq!(found, if fits { None } else { stale }, "{provider}: {away}");
            }
            // Another time than the one that is signed.
            if header != right.header {
                let found = refused(&with(header, (NOW + 1).to_string()), &right.body, &secrets);
                assert_eq!(found, Some(Refused::Wrong), "{provider}: a time that nobody signed");
                for none in ["", "x", "-1", "0", "1e9", " 1790000000", "99999999999999999"] {
                    let found = refused(&with(header, none.to_owned()), &right.body, &secrets);
                    assert_eq!(found, Some(Refused::NoTime), "{provider}: {none:?}");
                }
            }
        }
        // The secret on its way out is good, beside the one that came for it.
        let rotated: Vec<(String, &str)> = right
            .secrets()
            .iter()
            .flat_map(|(name, value)| {
                [((*name).to_owned(), right.other), (format!("{name}_previous"), *value)]
            })
            .collect();
        let rotated: Vec<(&str, &str)> =
            rotated.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(
            refused(&right.headers, &right.body, &Known::of(&rotated)),
            None,
            "{provider}: rotated"
        );
    }
}

#[test]
fn rustsec_2024_0010_a_truncated_signature_is_refused() {
    // A comparison of as many bytes as there are would take any of these for right, the empty one first.
    for (provider, _) in crate::provider::BUILT_IN {
        let right = signed(provider, b"{}", NOW);
        let (checks, secrets) = (checks(provider), Known::of(&right.secrets()));
        let whole = right.bytes();
        for length in 0..whole.len() {
            for bytes in [
                whole[..length].to_vec(),
                [&whole[..length], &[0; 128][..whole.len() - length]].concat(),
            ] {
                if bytes == whole {
                    continue;
                }
                let headers = right.with_signature(&bytes);
                let found = verify(&checks, &delivery(&headers, &right.body), &secrets).err();
                assert_eq!(found, Some(Refused::Wrong), "{provider}: {length} of {}", whole.len());
            }
        }
        let longer = right.with_signature(&[whole, vec![0]].concat());
        let found = verify(&checks, &delivery(&longer, &right.body), &secrets).err();
        assert_eq!(found, Some(Refused::Wrong), "{provider}: longer");
    }
}

#[test]
fn every_signature_of_a_header_is_tried_up_to_a_number() {
    let right = signed("standard", b"{}", NOW);
    let secrets = Known::of(&right.secrets());
    let checks = checks("standard");
    let wrong = format!("v1,{}", BASE64_STANDARD.encode([7; 32]));
    for (before, fits) in [(0, true), (1, true), (CANDIDATES - 1, true), (CANDIDATES, false)] {
        let header =
            [vec![wrong.clone(); before], vec![right.signature().to_owned()]].concat().join(" ");
        let headers: Vec<_> = right
            .headers
            .iter()
            .map(|(name, value)| {
                (*name, if *name == right.header { header.clone() } else { value.clone() })
            })
            .collect();
        let found = verify(&checks, &delivery(&headers, &right.body), &secrets).is_ok();
        assert_eq!(found, fits, "{before} before it");
    }
}

#[test]
fn standard_webhooks_with_a_public_key() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key");
    let public = format!("whpk_{}", BASE64_STANDARD.encode(pair.public_key().as_ref()));
    let secrets = Known::of(&[("standard_webhook_public_key", public.as_str())]);
    let body = b"{\"type\":\"a\"}";
    let signature = pair.sign(format!("msg_1.{NOW}.{{\"type\":\"a\"}}").as_bytes());
    let signature = format!("v1a,{}", BASE64_STANDARD.encode(signature.as_ref()));
    let headers = |id: &str| {
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", NOW.to_string()),
            ("webhook-signature", signature.clone()),
        ]
    };
    let checks = checks("standard");
    assert!(verify(&checks, &delivery(&headers("msg_1"), body), &secrets).is_ok());
    let other = verify(&checks, &delivery(&headers("msg_2"), body), &secrets).err();
    assert_eq!(other, Some(Refused::Wrong), "the id is signed too");
}

#[test]
fn an_application_of_front_signs_what_it_sends_with_its_time() {
    let body = br#"{ "a" : 1.0 }"#;
    let sign = |text: &[u8]| BASE64_STANDARD.encode(hmac(Method::HmacSha256, "app secret", text));
    let secrets = Known::of(&[("front_application_secret", "app secret")]);
    let millis = NOW * 1000;
    let timed = [format!("{millis}:").as_bytes(), body].concat();
    let headers = |signature: String| {
        [("x-front-signature", signature), ("x-front-request-timestamp", millis.to_string())]
    };
    let checks = checks("front");
    assert!(verify(&checks, &delivery(&headers(sign(&timed)), body), &secrets).is_ok());
    assert!(verify(&checks, &delivery(&headers(sign(body)), body), &secrets).is_err());
}

/// Beside the id that is signed another one may stand, which somebody has added to send it again.
#[test]
fn the_id_of_a_delivery_is_the_one_that_is_signed() {
    let secret = format!("whsec_{}", BASE64_STANDARD.encode("a key"));
    let secrets = Known::of(&[("standard_webhook_secret", &secret)]);
    let body = br#"{"type":"a"}"#;
    let signed = format!("s-1.{NOW}.{}", String::from_utf8_lossy(body));
    let mac = hmac(Method::HmacSha256, "a key", signed.as_bytes());
    let headers = [
        ("svix-id", "s-1".to_owned()),
        ("svix-timestamp", NOW.to_string()),
        ("svix-signature", format!("v1,{}", BASE64_STANDARD.encode(mac))),
        ("webhook-id", "made-up".to_owned()),
    ];
    let delivery = delivery(&headers, body);
    let checks = checks("standard");
    let verified = verify(&checks, &delivery, &secrets).expect("it is believed");
    assert_eq!(verified.id(), Some("s-1"));
}
