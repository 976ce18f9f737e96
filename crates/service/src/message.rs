//! Messages to phones: sign-in codes and the like.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use types::{Phone, Time};

/// A text to a phone.
#[derive(Clone, Debug)]
pub struct Message {
    /// To whom.
    pub phone: Phone,
    /// When.
    pub at: Time,
    /// The text; may carry a code, so it is never logged.
    pub text: String,
}

/// Sends messages. Must not block for long; a real one queues.
pub trait Messenger: Send + Sync {
    /// Sends, or says why not in words for the log.
    ///
    /// # Errors
    /// A text for the log; the payer is told to try again.
    fn send(&self, message: Message) -> Result<(), String>;
    /// Messages to `phone` that a sandbox keeps, newest first; empty elsewhere.
    fn kept(&self, phone: &Phone) -> Vec<Message>;
}

/// Messages a sandbox keeps at most.
const KEPT_MAX: usize = 1000;

/// Keeps messages in memory instead of sending them: sandboxes only.
#[derive(Debug, Default)]
pub struct SandboxInbox(Mutex<VecDeque<Message>>);

impl Messenger for SandboxInbox {
    fn send(&self, message: Message) -> Result<(), String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(message);
        kept.truncate(KEPT_MAX);
        Ok(())
    }
    fn kept(&self, phone: &Phone) -> Vec<Message> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|message| message.phone == *phone).cloned().collect()
    }
}
