//! What nodes say to each other: frames of a length (4 bytes, big end first) and so many bytes. The greeting is JSON;
//! what follows is MessagePack with the same names where both nodes know it, and JSON where one of them is of a version
//! that does not. Each frame shows which it is; in both, names may be added between neighbouring versions.

use domain::{Caller, Command, Rejection, Reply, order::Order, records::Digest};
use engine::{Refusal, RequestKey};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};
use types::{Shard, Shards};

/// Raised when nodes of two versions could not understand each other.
const PROTOCOL: u16 = 1;
/// Bytes of a frame at most; the largest command, a sweep of 500 records, takes a tenth.
pub(crate) const FRAME_MAX: usize = 1 << 20;

/// The first frame in each direction.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u16,
    pub(crate) node: String,
    pub(crate) instance: String,
    pub(crate) shards: Shards,
    /// Whether this node reads [`Form::Packed`]. Builds that don't say nothing of it.
    #[serde(default)]
    pub(crate) packed: bool,
    /// Whether this node understands [`Call::Hear`]. Builds that don't say nothing of it.
    #[serde(default)]
    pub(crate) hears: bool,
}

impl Hello {
    /// The greeting of this version.
    pub(crate) const fn new(node: String, instance: String, shards: Shards) -> Self {
        Self { protocol: PROTOCOL, node, instance, shards, packed: true, hears: true }
    }
    /// What whoever greets so can read.
    pub(crate) const fn reads(&self) -> Form {
        if self.packed { Form::Packed } else { Form::Json }
    }
}

/// How a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Begins with a brace or a quote.
    Json,
    /// MessagePack: begins with a map's or a string's first byte, which no JSON text begins with.
    Packed,
}

impl Form {
    /// That of a frame, by its first byte.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if bytes.first().is_some_and(u8::is_ascii) { Self::Json } else { Self::Packed }
    }
}

/// A command for the owner of `shard`.
#[derive(Debug, Serialize)]
pub(crate) struct Ask<'a> {
    pub(crate) number: u64,
    pub(crate) shard: Shard,
    pub(crate) caller: &'a Caller,
    pub(crate) request: Option<RequestKey>,
    pub(crate) command: &'a Command,
}

/// As [`Ask`], as it arrives.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) number: u64,
    pub(crate) shard: Shard,
    pub(crate) caller: Caller,
    pub(crate) request: Option<(Digest, Digest)>,
    pub(crate) command: Command,
}

/// What one node calls to another.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call<'a> {
    Ask(Ask<'a>),
    /// Shards changed hands: look at the list now.
    Look,
    /// Orders of which one shard of that node decides from now on, as they are stored. No answer.
    Hear(&'a [Order]),
}

/// As [`Call`], as it arrives.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Called {
    Ask(Box<Asked>),
    Look,
    Hear(Vec<Order>),
}

/// An answer to the ask of that number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) number: u64,
    pub(crate) said: Said,
}

/// What the owner said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Reply(Reply),
    Rejected(Rejection),
    Busy,
    Unavailable(String),
    Unknown(String),
    /// It does not own the shard now: nothing was done, or the key tells.
    NotOwner,
}

impl Said {
    /// The answer of an engine; `gone` when it is the engine's no more.
    pub(crate) fn of(answer: Result<Reply, Refusal>, gone: impl Fn() -> bool) -> Self {
        match answer {
            Ok(reply) => Self::Reply(reply),
            Err(Refusal::Rejected(rejection)) => Self::Rejected(rejection),
            Err(Refusal::Busy) => Self::Busy,
            Err(Refusal::Stopped) => Self::NotOwner,
            Err(Refusal::Unavailable(_) | Refusal::Unknown(_)) if gone() => Self::NotOwner,
            Err(Refusal::Unavailable(why)) => Self::Unavailable(why),
            Err(Refusal::Unknown(why)) => Self::Unknown(why),
        }
    }
}

/// Appends a frame.
///
/// # Errors
/// When it would be larger than [`FRAME_MAX`]; nothing is appended.
pub(crate) fn put(message: &impl Serialize, form: Form, into: &mut Vec<u8>) -> io::Result<()> {
    let start = into.len();
    into.extend_from_slice(&[0; 4]);
    let written = match form {
        Form::Json => serde_json::to_writer(&mut *into, message).is_ok(),
        Form::Packed => rmp_serde::encode::write_named(&mut *into, message).is_ok(),
    };
    let length = into.len() - start - 4;
    if !written || length > FRAME_MAX {
        into.truncate(start);
        let text = format!("a frame of {length} bytes; at most {FRAME_MAX} may be sent");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    into[start..start + 4].copy_from_slice(&length);
    Ok(())
}

/// Reads a frame's bytes; false at the end of the stream.
///
/// # Errors
/// The stream's; a frame that is too long or cut off.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<bool> {
    let length = match from.read_u32().await {
        Ok(length) => length as usize,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    };
    if length > FRAME_MAX {
        let text = format!("a frame of {length} bytes came; at most {FRAME_MAX} are taken");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    bytes.resize(length, 0);
    from.read_exact(bytes).await?;
    Ok(true)
}

/// What a frame says.
///
/// # Errors
/// When it says nothing that is known. The text never quotes it: it could hold what a payer gave.
pub(crate) fn parse<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> io::Result<T> {
    let text = match Form::of(bytes) {
        Form::Json => match serde_json::from_slice(bytes) {
            Ok(said) => return Ok(said),
            Err(error) => format!("an unknown frame ({:?} at byte {})", error.classify(), error.column()),
        },
        Form::Packed => {
            let mut packed = rmp_serde::Deserializer::from_read_ref(bytes);
            match T::deserialize(&mut packed) {
                Ok(said) if ends(&mut packed) => return Ok(said),
                Ok(_) => format!("a packed frame of {} bytes with more than one message", bytes.len()),
                Err(_) => format!("an unknown packed frame of {} bytes", bytes.len()),
            }
        }
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Whether nothing comes behind what was read.
fn ends<'b>(packed: &mut rmp_serde::Deserializer<rmp_serde::decode::ReadRefReader<'b, [u8]>>) -> bool {
    use rmp_serde::decode::Error::InvalidMarkerRead;
    let more = IgnoredAny::deserialize(packed);
    matches!(more, Err(InvalidMarkerRead(error)) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// The number of an ask whose command this version does not know.
pub(crate) fn number(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Numbered {
        ask: Number,
    }
    #[derive(Deserialize)]
    struct Number {
        number: u64,
    }
    parse::<Numbered>(bytes).ok().map(|numbered| numbered.ask.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Actor;
    use types::MerchantId;

    fn close() -> Command {
        Command::CloseOrder(MerchantId(1_900_000_001).into(), "订单-1".into())
    }

    #[tokio::test]
    async fn frames_arrive_as_they_were_sent() {
        let caller = Caller { device: Some("手机".into()), ..Caller::of(Actor::Visitor) };
        let command = close();
        let key = Some((Digest([1; 32]), Digest([0xfe; 32])));
        let ask =
            |number| Ask { number, shard: Shard::FIRST, caller: &caller, request: key, command: &command };
        for form in [Form::Json, Form::Packed] {
            let mut bytes = Vec::new();
            put(&Call::Ask(ask(1)), form, &mut bytes).unwrap();
            put(&Call::Look, form, &mut bytes).unwrap();
            put(&Call::Hear(&[]), form, &mut bytes).unwrap();
            put(&Call::Ask(ask(u64::MAX)), form, &mut bytes).unwrap();
            let (mut from, mut buffer) = (&bytes[..], Vec::new());
            for expected in [1, u64::MAX] {
                assert!(read(&mut from, &mut buffer).await.unwrap());
                assert_eq!(Form::of(&buffer), form);
                let Called::Ask(asked) = parse(&buffer).unwrap() else { panic!("an ask") };
                assert_eq!((asked.number, asked.request, &asked.caller), (expected, key, &caller));
                assert_eq!(asked.command, command);
                assert_eq!(number(&buffer), Some(expected));
                if expected == 1 {
                    assert!(read(&mut from, &mut buffer).await.unwrap());
                    assert!(matches!(parse(&buffer), Ok(Called::Look)));
                    assert_eq!((Form::of(&buffer), number(&buffer)), (form, None));
                    assert!(read(&mut from, &mut buffer).await.unwrap());
                    assert!(matches!(parse(&buffer), Ok(Called::Hear(orders)) if orders.is_empty()));
                }
            }
            assert!(!read(&mut from, &mut buffer).await.unwrap());
        }
    }

    /// A command of a later version: its number is read, to say that it is not known.
    #[test]
    fn an_unknown_command_still_has_its_number() {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Later {
            Ask { command: (&'static str, [u8; 3]), number: u64 },
        }
        for form in [Form::Json, Form::Packed] {
            let mut bytes = Vec::new();
            put(&Later::Ask { command: ("Teleport", [1, 2, 255]), number: 7 }, form, &mut bytes).unwrap();
            assert!(parse::<Called>(&bytes[4..]).is_err());
            assert_eq!(number(&bytes[4..]), Some(7), "{form:?}");
        }
    }

    /// A build that knows JSON only greets without the name, and is spoken to in JSON; one that hears of no orders is told
    /// of none.
    #[test]
    fn who_does_not_say_what_it_understands_is_not_spoken_to_so() {
        let ours = Hello::new("a".into(), "a 1".into(), Shards::ONE);
        assert_eq!((ours.reads(), ours.hears), (Form::Packed, true));
        let mut theirs = serde_json::to_value(&ours).unwrap();
        for name in ["packed", "hears"] {
            theirs.as_object_mut().unwrap().remove(name).unwrap();
        }
        let theirs = serde_json::from_value::<Hello>(theirs).unwrap();
        assert_eq!((theirs.reads(), theirs.hears), (Form::Json, false));
    }

    #[tokio::test]
    async fn what_is_too_long_cut_off_or_unknown_is_refused() {
        for form in [Form::Json, Form::Packed] {
            let mut bytes = Vec::new();
            put(&"x".repeat(10), form, &mut bytes).unwrap();
            let length = bytes.len();
            assert!(put(&"x".repeat(FRAME_MAX), form, &mut bytes).is_err());
            assert_eq!(bytes.len(), length, "nothing of it is sent");
            let mut buffer = Vec::new();
            assert!(read(&mut &bytes[..], &mut buffer).await.unwrap());
            let unknown = parse::<Called>(&buffer).unwrap_err();
            assert!(!unknown.to_string().contains("xxx"), "{unknown}");
            let mut more = buffer.clone();
            assert!(parse::<String>(&more).is_ok());
            more.push(more[0]);
            assert!(parse::<String>(&more).is_err(), "nothing may come behind what a frame says");
            let cut = read(&mut &bytes[..9], &mut buffer).await;
            assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        let long = read(&mut &[0xff_u8; 8][..], &mut Vec::new()).await;
        assert_eq!(long.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(parse::<Called>(&[]).is_err());
    }

    #[test]
    fn an_answer_keeps_its_values() {
        let rejected = Rejection::Elsewhere(Shard::FIRST);
        for said in [
            Said::Rejected(rejected),
            Said::NotOwner,
            Said::Reply(Reply::Count(3)),
            Said::Unknown("why".into()),
        ] {
            for form in [Form::Json, Form::Packed] {
                let mut bytes = Vec::new();
                put(&Answer { number: 1, said: said.clone() }, form, &mut bytes).unwrap();
                assert_eq!(parse::<Answer>(&bytes[4..]).unwrap().said, said, "{form:?}");
            }
        }
        let gone = Said::of(Err(Refusal::Unavailable("it was replaced".into())), || true);
        assert_eq!(gone, Said::NotOwner);
    }
}
