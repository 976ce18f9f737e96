//! Events after commits, fanned out to whoever listens. A listener that lags loses events, which costs time
//! only: what they point at is found again by its due time.

use domain::Event;
use tokio::sync::broadcast;

/// Events a lagging listener may be behind.
const LAG_MAX: usize = 16_384;

/// Fans events out.
#[derive(Clone, Debug)]
pub struct EventBus(broadcast::Sender<Event>);

impl Default for EventBus {
    fn default() -> Self {
        Self(broadcast::Sender::new(LAG_MAX))
    }
}

impl EventBus {
    /// Tells every listener. Never blocks.
    pub fn tell(&self, events: &[Event]) {
        if self.0.receiver_count() > 0 {
            for event in events {
                drop(self.0.send(*event));
            }
        }
    }
    /// Starts listening.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}
