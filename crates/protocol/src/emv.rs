//! EMVCo merchant-presented QR payloads (MPM 1.1, rules §3): objects of id, length and value, closed by a
//! CRC-16. The scheme decides who can read a code; this module only writes and reads the text.

use types::{Currency, Money};

/// The most characters of a payload.
pub const PAYLOAD_MAX: usize = 512;

/// One object: an id of two digits and a value of 1 to 99 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// 0 to 99.
    pub id: u8,
    /// 1 to 99 characters.
    pub value: String,
}

impl Object {
    /// An object.
    #[must_use]
    pub fn new(id: u8, value: impl Into<String>) -> Self {
        Self { id, value: value.into() }
    }
}

/// Whether a code is used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// Reused, without amount (`11`).
    Static,
    /// For one trade (`12`).
    Dynamic,
}

/// A merchant account template, ids 26 to 51.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// 26 to 51.
    pub id: u8,
    /// Whose template it is: a reverse domain or an application id, 1 to 32 characters.
    pub guid: String,
    /// The owner's own fields, ids 1 to 99.
    pub fields: Vec<Object>,
}

/// A merchant's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Absent means unknown.
    pub initiation: Option<Initiation>,
    /// Templates 26 to 51; none when the code names only scheme accounts (2 to 25, among `others`).
    pub accounts: Vec<Account>,
    /// Merchant category, 4 digits (ISO 18245).
    pub category: String,
    /// Currency of the amount.
    pub currency: Currency,
    /// Absent when the payer is asked.
    pub amount: Option<Money>,
    /// ISO 3166-1, two capital letters.
    pub country: String,
    /// 1 to 25 characters.
    pub name: String,
    /// 1 to 15 characters.
    pub city: String,
    /// Additional data (62), by sub id: 1 bill, 3 store, 5 reference, 7 terminal, 8 purpose …
    pub additional: Vec<Object>,
    /// Objects this type does not name, kept as read.
    pub others: Vec<Object>,
}

/// Why a payload cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmvError {
    /// Not a row of objects.
    #[error("the payload breaks off or is not of two-digit ids and lengths at character {0}")]
    Form(usize),
    /// The text is too long.
    #[error("the payload has {0} characters; at most {PAYLOAD_MAX}")]
    TooLong(usize),
    /// It was misread or altered.
    #[error("the checksum of the payload is {found}; {expected} was computed")]
    Checksum {
        /// What the payload says.
        found: String,
        /// What its characters give.
        expected: String,
    },
    /// A required object is absent or not in its place.
    #[error("object {0:02} is missing or not in its place")]
    Missing(u8),
    /// An object occurs twice.
    #[error("object {0:02} occurs twice")]
    Twice(u8),
    /// An object's value is not what it must be.
    #[error("object {0:02} has a value it cannot have")]
    Value(u8),
}

impl Payload {
    /// The text to put into a QR symbol.
    ///
    /// # Errors
    /// [`EmvError::Value`] naming the object that breaks a limit, [`EmvError::Twice`] for one that is given twice,
    /// [`EmvError::TooLong`].
    pub fn encode(&self) -> Result<String, EmvError> {
        let objects = self.objects()?;
        let mut text = write(&objects)?;
        text.push_str("6304");
        let crc = crc16(text.as_bytes());
        text.push_str(&format!("{crc:04X}"));
        let count = text.chars().count();
        if count > PAYLOAD_MAX {
            return Err(EmvError::TooLong(count));
        }
        // What cannot be read back must not be printed on a wall.
        Self::parse(&text).map(|_| text)
    }

    /// Reads a payload. Unknown objects are kept, the checksum must be right.
    ///
    /// # Errors
    /// [`EmvError`] saying which object is wrong.
    pub fn parse(text: &str) -> Result<Self, EmvError> {
        let count = text.chars().count();
        if count > PAYLOAD_MAX {
            return Err(EmvError::TooLong(count));
        }
        let objects = read(text)?;
        let (first, last) = (objects.first(), objects.last());
        if first.is_none_or(|object| object.id != 0 || object.value != "01") {
            return Err(EmvError::Missing(0));
        }
        let Some(found) = last.filter(|o| o.id == 63 && o.value.len() == 4) else {
            return Err(EmvError::Missing(63));
        };
        let expected = format!("{:04X}", crc16(&text.as_bytes()[..text.len() - 4]));
        if found.value != expected {
            return Err(EmvError::Checksum { found: found.value.clone(), expected });
        }
        Self::of(&objects[1..objects.len() - 1])
    }

    fn objects(&self) -> Result<Vec<Object>, EmvError> {
        let mut objects = vec![Object::new(0, "01")];
        if let Some(initiation) = self.initiation {
            objects.push(Object::new(1, if initiation == Initiation::Static { "11" } else { "12" }));
        }
        for account in &self.accounts {
            let guid = Object::new(0, account.guid.as_str());
            let inner: Vec<Object> = [guid].into_iter().chain(account.fields.iter().cloned()).collect();
            objects.push(Object::new(account.id, write(&inner)?));
        }
        objects.push(Object::new(52, self.category.as_str()));
        objects.push(Object::new(53, format!("{:03}", self.currency.numeric())));
        if let Some(amount) = self.amount {
            if amount.currency != self.currency || amount.minor < 0 {
                return Err(EmvError::Value(54));
            }
            objects.push(Object::new(54, amount.to_string()));
        }
        objects.push(Object::new(58, self.country.as_str()));
        objects.push(Object::new(59, self.name.as_str()));
        objects.push(Object::new(60, self.city.as_str()));
        if !self.additional.is_empty() {
            objects.push(Object::new(62, write(&self.additional)?));
        }
        objects.extend(self.others.iter().cloned());
        objects.sort_by_key(|object| object.id);
        Ok(objects)
    }

    fn of(objects: &[Object]) -> Result<Self, EmvError> {
        let get = |id| objects.iter().find(|o| o.id == id).map(|o| o.value.as_str());
        let need = |id, valid: fn(&str) -> bool| {
            let value = get(id).ok_or(EmvError::Missing(id))?;
            if valid(value) { Ok(value.to_owned()) } else { Err(EmvError::Value(id)) }
        };
        let initiation = match get(1) {
            None => None,
            Some("11") => Some(Initiation::Static),
            Some("12") => Some(Initiation::Dynamic),
            Some(_) => return Err(EmvError::Value(1)),
        };
        let number = need(53, |v| v.len() == 3 && digits(v))?;
        let currency = number.parse().ok().and_then(Currency::from_numeric).ok_or(EmvError::Value(53))?;
        let named = |o: &&Object| matches!(o.id, 0 | 1 | 26..=51 | 52..=54 | 58..=60 | 62 | 63);
        Ok(Self {
            initiation,
            accounts: objects
                .iter()
                .filter(|o| matches!(o.id, 26..=51))
                .map(account)
                .collect::<Result<_, _>>()?,
            category: need(52, |v| v.len() == 4 && digits(v))?,
            currency,
            amount: get(54).map(|text| amount(text, currency)).transpose()?,
            country: need(58, |v| v.len() == 2 && v.bytes().all(|b| b.is_ascii_uppercase()))?,
            name: need(59, |v| v.chars().count() <= 25)?,
            city: need(60, |v| v.chars().count() <= 15)?,
            additional: get(62)
                .map(|text| read(text).map_err(|_| EmvError::Value(62)))
                .transpose()?
                .unwrap_or_default(),
            others: objects.iter().filter(|o| !named(o)).cloned().collect(),
        })
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn account(object: &Object) -> Result<Account, EmvError> {
    let bad = || EmvError::Value(object.id);
    let mut fields = read(&object.value).map_err(|_| bad())?;
    if fields.is_empty() {
        return Err(bad());
    }
    let guid = fields.remove(0);
    if guid.id != 0 || guid.value.chars().count() > 32 {
        return Err(bad());
    }
    Ok(Account { id: object.id, guid: guid.value, fields })
}

/// At most 13 characters, `.` as decimal mark, which may stand last.
fn amount(text: &str, currency: Currency) -> Result<Money, EmvError> {
    let plain = text.strip_suffix('.').unwrap_or(text);
    match Money::parse(plain, currency) {
        Ok(money) if text.len() <= 13 => Ok(money),
        _ => Err(EmvError::Value(54)),
    }
}

/// Writes objects one after the other.
fn write(objects: &[Object]) -> Result<String, EmvError> {
    let mut out = String::new();
    for Object { id, value } in objects {
        let count = value.chars().count();
        if *id > 99 || !(1..=99).contains(&count) || value.chars().any(char::is_control) {
            return Err(EmvError::Value(*id));
        }
        out.push_str(&format!("{id:02}{count:02}{value}"));
    }
    Ok(out)
}

/// Reads objects one after the other; lengths count characters.
fn read(text: &str) -> Result<Vec<Object>, EmvError> {
    let mut objects: Vec<Object> = Vec::new();
    let mut at = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let head = rest.get(..4).filter(|head| digits(head)).ok_or(EmvError::Form(at))?;
        let (id, count) = head.split_at(2);
        let id: u8 = id.parse().map_err(|_| EmvError::Form(at))?;
        let count: usize = count.parse().map_err(|_| EmvError::Form(at))?;
        let body = &rest[4..];
        let value: String = body.chars().take(count).collect();
        if count == 0 || value.chars().count() < count || value.chars().any(char::is_control) {
            return Err(EmvError::Form(at));
        }
        if objects.iter().any(|object| object.id == id) {
            return Err(EmvError::Twice(id));
        }
        rest = &body[value.len()..];
        at += 4 + count;
        objects.push(Object { id, value });
    }
    Ok(objects)
}

/// CRC-16/CCITT-FALSE: polynomial 1021, initial value FFFF, no reflection.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
#[path = "emv_tests.rs"]
mod tests;
