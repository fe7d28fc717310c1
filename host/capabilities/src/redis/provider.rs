//! The functions of `wit/redis.wit`: each is one row here, a command and what its answer is.

use std::sync::Arc;

use redis::{FromRedisValue, RedisResult};
use runtime::capability::{Interface, Offer};
use runtime::placement::Capability;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower};

use super::allowed::Allowed;
use super::call::{Access, allowed};
use super::request::{NOTHING, Request};
use super::shared::{Shared, no_server};
use crate::bindings::system_bus::durable::redis::{Command, Condition, Scored};
use crate::grants::Grants;
use crate::refusal::{Answer, Refusal};

type Bytes = Vec<u8>;

/// The arguments of `set`.
type Set = (String, Bytes, Option<u64>, Condition);
/// The arguments of `hash-set`.
type Fields = (String, Vec<(String, Bytes)>);
/// The arguments of `hash-increment`.
type Increment = (String, String, i64);
/// The arguments of `range` and of `trim`.
type Part = (String, i64, i64);
/// The arguments of `sorted-range`.
type Range = (String, f64, f64, u32);
/// The arguments of `transact`.
type Transaction = (Vec<(String, Option<Bytes>)>, Vec<Command>);

/// Redis for components: the operator's server, and who may use which of its keys.
#[derive(Debug, Clone)]
pub struct Provider {
    grants: Arc<Grants>,
    server: Option<Arc<Shared>>,
}

impl Provider {
    /// A provider for these grants. Without a server every call is answered with why there is none.
    pub fn new(grants: Arc<Grants>, server: Option<Arc<Shared>>) -> Self {
        Self { grants, server }
    }

    /// Asks the server, and turns its answer into the guest's.
    async fn ask<T: FromRedisValue>(
        self,
        left: std::time::Duration,
        allowed: &Allowed,
        request: Answer<Request>,
    ) -> Answer<T> {
        let request = &request?;
        let Some(server) = self.server.as_deref() else { return no_server() };
        let asked = server.ask(left, |mut connection| async move {
            let answer: RedisResult<T> = match (request, request.invocation(server)) {
                (Request::Plain(command), _) => command.query_async(&mut connection).await,
                (_, Some(script)) => script.invoke_async(&mut connection).await,
                (_, None) => Err((redis::ErrorKind::Client, "a request without a command").into()),
            };
            answer
        });
        asked.await.map_err(|failed| match failed.too_large() {
            Some(what) => allowed.too_large(&what),
            None => failed.refusal(),
        })
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Redis
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut rows =
            Rows { interface: offer.interface("system-bus:durable/redis")?, provider: self };
        strings(&mut rows)?;
        hashes(&mut rows)?;
        lists(&mut rows)?;
        sets(&mut rows)?;
        others(&mut rows)
    }
}

/// Where functions are defined.
struct Rows<'r> {
    interface: Interface<'r>,
    provider: &'r Provider,
}

impl Rows<'_> {
    /// A function whose answer is the server's.
    fn row<P, T>(
        &mut self,
        access: Access,
        name: &'static str,
        request: fn(&Allowed, P) -> Answer<Request>,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + 'static,
        T: FromRedisValue + ComponentType + Lower + Send + 'static,
    {
        self.turned::<P, T, T>(access, name, request, |_, answer| answer)
    }

    /// A function whose answer is made of the server's.
    fn turned<P, A, T>(
        &mut self,
        access: Access,
        name: &'static str,
        request: fn(&Allowed, P) -> Answer<Request>,
        turn: fn(&Allowed, A) -> T,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + 'static,
        A: FromRedisValue + Send + 'static,
        T: ComponentType + Lower + Send + 'static,
    {
        let provider = self.provider.clone();
        self.interface.function::<P, (Result<T, Refusal>,), _>(name, move |state, arguments: P| {
            let provider = provider.clone();
            Box::pin(async move {
                let own = match allowed(&provider.grants, state, name, access)? {
                    Ok(own) => own,
                    Err(refusal) => return Ok((Err(refusal),)),
                };
                let request = request(&own, arguments);
                let answer = provider.ask::<A>(state.time_left(), &own, request).await;
                Ok((answer.map(|answer| turn(&own, answer)),))
            })
        })
    }
}

fn strings(rows: &mut Rows<'_>) -> wasmtime::Result<()> {
    use Access::{Read, Write};
    rows.row::<_, Option<Bytes>>(Read, "get", |own, (key,): (String,)| {
        Request::bounded(own, "GET", &key, vec![])
    })?;
    rows.row::<_, bool>(Write, "set", |own, (key, value, expiry, condition): Set| {
        Request::set(own, &key, &value, expiry, condition)
    })?;
    rows.row::<_, u64>(Write, "delete", |own, (keys,): (Vec<String>,)| {
        Request::keys(own, "DEL", &keys)
    })?;
    rows.row::<_, bool>(Read, "exists", |own, (key,): (String,)| {
        Request::plain(own, "EXISTS", &key, NOTHING)
    })?;
    rows.row::<_, bool>(Write, "expire", |own, (key, milliseconds): (String, u64)| {
        Request::expire(own, &key, milliseconds)
    })?;
    rows.turned(
        Read,
        "expires-in",
        |own, (key,): (String,)| Request::plain(own, "PTTL", &key, NOTHING),
        // It answers with less than nothing for a key that does not end, and for one that is not there.
        |_, milliseconds: i64| u64::try_from(milliseconds).ok(),
    )?;
    rows.row::<_, i64>(Write, "increment", |own, (key, by): (String, i64)| {
        Request::plain(own, "INCRBY", &key, by)
    })
}

fn hashes(rows: &mut Rows<'_>) -> wasmtime::Result<()> {
    use Access::{Read, Write};
    rows.row::<_, Option<Bytes>>(Read, "hash-get", |own, (key, field): (String, String)| {
        Request::bounded(own, "HGET", &key, vec![field.into_bytes()])
    })?;
    rows.row::<_, u64>(Write, "hash-set", |own, (key, fields): Fields| {
        Request::hash_set(own, &key, &fields)
    })?;
    rows.row::<_, u64>(Write, "hash-delete", |own, (key, fields): (String, Vec<String>)| {
        let fields: Vec<Bytes> = fields.into_iter().map(String::into_bytes).collect();
        Request::values(own, "HDEL", &key, &fields)
    })?;
    rows.row::<_, Vec<(String, Bytes)>>(Read, "hash-all", |own, (key,): (String,)| {
        Request::bounded(own, "HGETALL", &key, vec![])
    })?;
    rows.row::<_, i64>(Write, "hash-increment", |own, (key, field, by): Increment| {
        own.fits([field.as_bytes()])?;
        Request::plain(own, "HINCRBY", &key, (field, by))
    })
}

fn lists(rows: &mut Rows<'_>) -> wasmtime::Result<()> {
    use Access::{Read, Write};
    rows.row::<_, u64>(Write, "push-left", |own, (key, values): (String, Vec<Bytes>)| {
        Request::values(own, "LPUSH", &key, &values)
    })?;
    rows.row::<_, u64>(Write, "push-right", |own, (key, values): (String, Vec<Bytes>)| {
        Request::values(own, "RPUSH", &key, &values)
    })?;
    rows.row::<_, Option<Bytes>>(Write, "pop-left", |own, (key,): (String,)| {
        Request::bounded(own, "LPOP", &key, vec![])
    })?;
    rows.row::<_, Option<Bytes>>(Write, "pop-right", |own, (key,): (String,)| {
        Request::bounded(own, "RPOP", &key, vec![])
    })?;
    rows.row::<_, Vec<Bytes>>(Read, "range", |own, (key, start, stop): Part| {
        let ends = vec![start.to_string().into_bytes(), stop.to_string().into_bytes()];
        Request::bounded(own, "LRANGE", &key, ends)
    })?;
    rows.row::<_, ()>(Write, "trim", |own, (key, start, stop): Part| {
        Request::plain(own, "LTRIM", &key, (start, stop))
    })?;
    rows.row::<_, u64>(Read, "length", |own, (key,): (String,)| {
        Request::plain(own, "LLEN", &key, NOTHING)
    })
}

fn sets(rows: &mut Rows<'_>) -> wasmtime::Result<()> {
    use Access::{Read, Write};
    rows.row::<_, u64>(Write, "set-add", |own, (key, members): (String, Vec<Bytes>)| {
        Request::values(own, "SADD", &key, &members)
    })?;
    rows.row::<_, u64>(Write, "set-remove", |own, (key, members): (String, Vec<Bytes>)| {
        Request::values(own, "SREM", &key, &members)
    })?;
    rows.row::<_, Vec<Bytes>>(Read, "set-members", |own, (key,): (String,)| {
        Request::bounded(own, "SMEMBERS", &key, vec![])
    })?;
    rows.row::<_, bool>(Read, "set-contains", |own, (key, member): (String, Bytes)| {
        own.fits([member.as_slice()])?;
        Request::plain(own, "SISMEMBER", &key, member)
    })?;
    rows.row::<_, u64>(Write, "sorted-add", |own, (key, members): (String, Vec<Scored>)| {
        Request::sorted_add(own, &key, &members)
    })?;
    rows.row::<_, u64>(Write, "sorted-remove", |own, (key, members): (String, Vec<Bytes>)| {
        Request::values(own, "ZREM", &key, &members)
    })?;
    rows.turned(
        Read,
        "sorted-range",
        |own, (key, lowest, highest, most): Range| {
            Request::sorted_range(own, &key, lowest, highest, most)
        },
        |_, members: Vec<(Bytes, f64)>| -> Vec<Scored> {
            members.into_iter().map(|(member, score)| Scored { member, score }).collect()
        },
    )?;
    rows.row::<_, Option<f64>>(Read, "sorted-score", |own, (key, member): (String, Bytes)| {
        own.fits([member.as_slice()])?;
        Request::plain(own, "ZSCORE", &key, member)
    })
}

fn others(rows: &mut Rows<'_>) -> wasmtime::Result<()> {
    use Access::{Read, Write};
    rows.row::<_, u64>(Write, "publish", |own, (channel, message): (String, Bytes)| {
        Request::publish(own, &channel, &message)
    })?;
    rows.turned(
        Read,
        "scan",
        |own, (pattern, cursor): (String, u64)| Request::scan(own, &pattern, cursor),
        |own, (cursor, keys): (u64, Vec<Bytes>)| -> (u64, Vec<String>) {
            // A key that is no text cannot have been set by a guest, nor be asked for by one.
            let keys = keys.into_iter().filter_map(|key| String::from_utf8(key).ok());
            (cursor, keys.filter_map(|key| own.prefix.own(&key).map(str::to_owned)).collect())
        },
    )?;
    rows.row::<_, bool>(Write, "transact", |own, (unchanged, commands): Transaction| {
        Request::transact(own, &unchanged, &commands)
    })
}
