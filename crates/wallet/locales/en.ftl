# English texts of the wallet. Chinese is written first, in zh.ftl; both files have the same keys.
# Words: pay, collect, top up, returned, card, payment PIN, payment code, bill.

### Every page
brand = Feiqian
skip = Skip to content
sandbox-band = SANDBOX
tabs-label = Main
tab-home = Home
tab-bills = Bills
tab-cards = Cards
tab-me = Me
zone = China Standard Time (Asia/Shanghai, UTC+8)
go-back = Back
go-home = Home
go-on = Go on
moving-on = Moving on
try-again = Try again
incoming = Money in
outgoing = Money out

### Signing in
sign-in-title = Sign in to Feiqian
sign-in-lead = Enter your phone number and sign in with a code by text message. A new number opens an account.
sign-in-hint = The code is good for 5 minutes. Tell it to nobody.
phone-label = Phone number
phone-malformed = Enter a mainland China mobile number of 11 digits, such as 13800000000.
send-code = Send code
send-code-again = Send again
other-phone = Use another number
code-title = Enter the code
code-lead = A code was sent to { $phone }.
code-label = Code of { $digits } digits
code-malformed = The code has { $digits } digits.
code-wrong =
    { $left ->
        [one] The code is wrong. One try is left.
       *[other] The code is wrong. { $left } tries are left.
    }
code-wrong-last = Too many wrong tries. This code no longer works; send a new one.
code-not-sent = The code could not be sent. Send it again in a minute.
sign-in-go = Sign in
sandbox-code = A sandbox sends no text messages. Read the code here:
sms-sign-in = [Feiqian] { $code } is your sign-in code, good for 5 minutes. Feiqian never asks you for it. Tell it to nobody.

### Payment PIN
pin-label = Payment PIN
pin-hint = 6 digits
pin-delete = Delete a digit
pin-set-title = Set a payment PIN
pin-change-title = Change the payment PIN
pin-lead = It confirms every payment. Don't use a birthday, your phone number, or a password from elsewhere.
pin-old = Current PIN
pin-new = New PIN
pin-again = New PIN again
pin-rule = 6 digits, nothing easy to guess such as 123456 or 000000.
pin-set = Set PIN
pin-change = Change PIN
pin-changed = The PIN is changed.
pin-malformed = A PIN has 6 digits.
pin-old-malformed = Enter your current PIN of 6 digits.
pin-trivial = This PIN is too easy to guess. Choose another.
pin-differs = The two new PINs differ.

### Home
home-title = My wallet
balance = Balance
balance-held = { $amount } of it is being processed and can't be used yet
home-confirm = A payment of { $amount } waits for you
go-scan = Scan
go-code = Payment code
go-top-up = Top up
setup-title = Get started
setup-pin = Set a payment PIN
setup-pin-done = Payment PIN is set
setup-card = Bind a bank card
setup-card-done = A card is bound
recent-title = Latest
all-bills = All bills

### Bills
bills-title = Bills
bills-empty = Nothing yet. Payments and top-ups will appear here.
bills-newest = Newest
bills-older = Older
bill-title = Bill
bill-top-up = Top-up
bill-reversed = Returned
bill-refunded = Refund { $amount }
state-paid = Paid
state-reversed = Reversed by the merchant; the money is back in your balance
state-top-up =
    { $state ->
        [succeeded] Received
        [declined] Declined by the bank; nothing was charged
        [unknown] The bank has not said yet
       *[authorising] In progress
    }
fact-description = For
fact-paid-at = Paid at
fact-started-at = Started at
fact-source = Paid from
fact-number = Transaction number
fact-merchant-number = Merchant's number
fact-payment-number = Payment number
fact-bank-reference = Bank's reference
fact-reference = Reference number
source-balance = Balance
timeline-title = What happened
ledger-title = Ledger
moved-from-to = { $from } → { $to }
moved-held = held
moved-posted = booked
moved-voided = released
kind-payment = Payment
kind-top-up = Top-up
kind-reversal = Return
kind-fee = Fee
kind-fee-return = Fee returned
kind-between-shards = Moved within the platform
kind-other = Other
refunds-title = Refunds
refund-processing = On its way back
refund-succeeded = Refunded
refund-abnormal = The card could not take it; the merchant has to act
refund-closed = Closed; nothing was refunded
refund-to = To { $to }
refund-reason = Reason: { $reason }
place-your-balance = your balance
place-merchant = merchant, to be settled
place-bank = bank card channel
place-platform = Feiqian
actor-you = You
actor-someone = Another payer
actor-merchant = Merchant
actor-bank = Bank
actor-visitor = A visitor
actor-platform = Feiqian
deed-order-placed = Order placed
deed-code-scanned = Payment code scanned
deed-pin-wrong = Wrong PIN; nothing was paid
deed-refused-by-you = You refused to pay
deed-confirmed = Confirmed with the PIN
deed-top-up = Top-up confirmed with the PIN
deed-bank-silent = Bank asked; no answer yet
deed-bank-answered = Final answer from the bank
deed-closed = Order closed
deed-expired = Time to pay is over
deed-reversed = Order reversed
deed-refund-asked = Refund asked for
deed-other = Updated
short-not-enough = Refused: balance too low
short-limit = Refused: over a limit
short-pin-locked = Refused: PIN locked
short-busy = Refused: another payment was under way
short-paid = Refused: already paid
short-expired = Refused: expired
short-closed = Refused: the order had ended
short-other = Refused ({ $code })

### Cards
cards-title = Bank cards
cards-empty = No card yet. With a card you can pay directly or top up the balance.
cards-most = At most { $most } cards.
card-bound-at = Bound
bind-card = Bind a card
bind-lead = The number goes to the bank to be verified. Feiqian keeps the last four digits, never the number.
card-number = Card number
card-number-hint = The 12 to 19 digits on the card; spaces are fine.
bind-go = Verify and bind
card-malformed = That is no card number. Compare it with the card and enter it again.
card-unknown-bank = Cards of this bank are not supported yet.
card-declined = The bank did not verify the card: { $reason }
card-no-answer = The bank did not answer, so the card is not bound. Try again in a moment.
card-bound-already = This card is bound already.
sandbox-cards = Test card numbers of the sandbox:
bank-debit = debit
bank-credit = credit
bank-other = Bank card
decline-refused = the bank does not agree
decline-no-such-card = the bank knows no such card
decline-lost = the card is reported lost
decline-not-enough = not enough on the card
decline-expired = the card has expired
decline-not-permitted = the card may not be used for this
decline-limit = over the card's limit
decline-bank-down = the bank's system is down

### Top-up
top-up-title = Top up
top-up-amount = Amount in yuan
top-up-most = At most { $most } at once.
top-up-card = From which card
top-up-go = Top up
top-up-done = Topped up
top-up-balance = Your balance is { $balance }
amount-malformed = Enter an amount above zero with at most two decimals, such as 100 or 12.34.
see-bill = See the bill

### Waiting for the bank
wait-title = Waiting for the bank
progress-label = Progress
progress-confirmed = 1 You confirmed
progress-bank = 2 Bank
progress-done = 3 Done
wait-asking = Waiting for the bank. This usually takes a few seconds.
wait-unknown = The bank has not said yet.
wait-numbers =
    { $asked ->
        [0] { $seconds } s so far.
        [one] { $seconds } s so far; the bank was asked once.
       *[other] { $seconds } s so far; the bank was asked { $asked } times.
    }
wait-declined = Declined by the bank
wait-may-leave-pay = You may leave this page. A payment that succeeds will be in your bills.
wait-may-leave-top-up = You may leave this page. The balance changes when the money arrives, and it will be in your bills.
unknown-what = The request reached the bank, but the bank did not say whether it charged the card. Feiqian keeps asking until there is a final answer; until then nothing is charged twice.
unknown-next = Please don't pay again in another way. If you need help, give the payment number below.
unknown-next-top-up = Please don't top up again. If you need help, give the payment number below.
unknown-ask-at = The bank is asked next at
declined-reason = The bank's reason: { $reason }
declined-next = You can use another card or your balance.

### Cashier
scan-title = Scan
camera-open = Open camera
camera-label = Camera; hold the QR code in the middle
camera-denied = No camera can be used. Paste the code below.
scan-paste = Paste what the code says
scan-hint = The text of a merchant's code, or a payment link.
scan-go = Go to payment
scan-foreign = This is no Feiqian code or link. Ask the merchant to show it again.
scan-payment-code = This is a payment code: the merchant scans it. What you scan is the merchant's code.
cashier-title = Confirm payment
pay-to = Pay to
pay-to-merchants = { $count } merchants
parts-title = Paid together
bill-together = paid with others
fact-together-total = Total paid
fact-together-number = Combined payment
pay-from = Pay from
source-too-little = not enough
pay-go = Pay { $amount }
pay-then-back = Then back to { $host }
pay-leave = Don't pay now
pay-other-way = Pay another way
back-to-merchant = Return to merchant
result-title = Paid
result-paid = Paid
left-title = Nothing was paid
left-what = The order is still there. You can pay it until its deadline.
left-again = Pay it now
may-close = The merchant's page has the result. You may close this page.
close = Close and go back to the merchant
help-title = Something wrong?
help-goods = About goods or service, ask the merchant first and give the merchant's number.
help-not-me = You didn't make this payment? Change your PIN now.
help-change-pin = Change the payment PIN
help-number = When you contact Feiqian, give the number { $number }.

### Payment code
code-show = Show this to the merchant
code-hint = It changes every minute and works once. Don't take a picture of it or send it to anyone.
code-free = Up to { $amount } is paid without PIN; more has to be confirmed.
code-always-pin = You confirm each payment.
code-digits = Show digits
code-left = {"{"}s{"}"} seconds left
code-until = Good until
code-check = Scanned already? Look now
code-renewed = The payment code has changed
code-qr-title = Payment QR code
code-bar-title = Payment bar code
confirm-until = { $left } left to confirm, until
confirm-refuse = Refuse

### Identity and limits
identity-title = Identity and limits
identity-class =
    { $passed ->
        [one] Class { $class } account, verified through one channel.
       *[other] Class { $class } account, verified through { $passed } channels.
    }
meters-title = Limits and what is used
meter-lifetime = Paid from balance since opening
meter-year = Paid from balance this year
meter-day = Paid from balance with PIN today
meter-barcode = Paid from balance by code with PIN today
meter-free = Paid without PIN today
meter-use = { $used } used, { $left } left
meter-free-count = { $used } of { $most } payments without PIN used today.
classes-title = The three classes
classes-class = Class { $class }
classes-cap = The amounts cap payments from the balance. Card payments are not capped by them.
classes-mine = yours
class-one-needs = 1 channel; pay and transfer
class-two-needs = 3 independent channels; pay and transfer
class-three-needs = 5 independent channels or face to face; invest as well
cap-lifetime = { $amount } in all
cap-year = { $amount } a year
channels-title = Identity channels
channel-phone = Phone number
channel-identity-card = Identity card
channel-bank-card = Bank card
channel-education = Education record
channel-social-security = Social security
channel-tax = Tax record
channel-face-to-face = Face to face
channel-passed = verified
channel-open = not verified
channel-simulate = Simulate
channels-not-here = Binding a bank card passes the bank card channel. Others open when the operator connects them.

### Settings
settings-title = Me
free-title = Small payments without PIN
free-what = With the payment code, up to { $amount } goes without PIN, at most { $count } times a day. If someone else pays with it, Feiqian refunds you in full.
switch-on = On
switch-off = Off
turn-on = Turn on
turn-off = Turn off
language-title = Language
device-title = Signed-in device
device-this = This device
device-since = Since
device-until = Until
device-unnamed = Unknown device
sign-out = Sign out

### Authorisation
oauth-title = Let an application know you
oauth-what = { $application } ({ $host }) wants to know who you are.
oauth-gets = It receives a number for you that only this application has. It does not receive your phone, balance or bills.
oauth-agree = Agree
oauth-refuse = Refuse

### What went wrong
problem-title = Not done
money-unmoved = Nothing was charged.
money-not-again = Nothing was charged again.
money-under-way = The money may be moving now; it is not taken twice.
why-no-page = There is no such page.
why-malformed = What the page sent is incomplete or wrong.
why-too-large = What was sent is too large.
why-foreign-form = This request did not come from a page of Feiqian, or the page is too old.
why-too-often = Too many tries. Try again in { $seconds } seconds.
why-busy = Too many people are paying right now, and your request found no place.
why-outcome-unknown = The system was interrupted, and whether this was done is not known yet.
why-unavailable = The books can't be written right now. Your request was not kept.
why-unreadable = The data can't be read right now.
why-fault = Something broke on our side.
why-suspended = Your account is suspended.
why-merchant-suspended = The merchant may not collect at the moment.
why-no-order = There is no such order, or the link is incomplete.
why-order-paid = This order is paid already.
why-order-closed = This order has ended and can't be paid any more.
why-order-expired = This order could be paid until { $until }.
why-order-busy = A payment of this order is under way.
why-wrong-payer = This order is to be paid by another account.
why-wrong-amount = The order's amount is not the one that was shown.
why-entry-expired = This code or link has expired.
why-entry-mismatch = This order can't be paid this way.
why-amount-range = The amount is out of range.
why-pin-not-set = No payment PIN is set.
why-pin-set = A payment PIN is set already.
why-pin-wrong =
    { $left ->
        [one] The PIN is wrong. One try is left.
       *[other] The PIN is wrong. { $left } tries are left.
    }
why-pin-now-locked = Too many wrong PINs. The PIN is locked until { $until }.
why-pin-locked = The PIN is locked until { $until }.
why-no-source = Choose what to pay from.
why-not-enough = The balance is too low.
why-limit-lifetime = This would pass the limit of a class I account; { $left } from balance is left.
why-limit-year = This would pass this year's limit for the balance; { $left } is left.
why-limit-day = This would pass today's limit for the balance; { $left } is left.
why-limit-barcode = This would pass today's limit for payments by code; { $left } is left.
why-limit-top-up = One top-up is at most { $left }.
why-no-card = There is no such card.
why-too-many-cards = At most { $most } cards can be bound.
why-no-payment = There is no such payment.
why-session-ended = You are signed out.
why-code-too-soon = A code was sent a moment ago; the next can be sent at { $at }. The last one still works.
why-code-too-many = No more codes today. Try again tomorrow.
why-code-missing = The code no longer works. Send a new one.
why-no-app = There is no such application.
why-redirect = The address to return to is not registered for this application.
why-request-reused = This page was sent before. Enter the PIN again.
why-refused = The request was refused ({ $code }).
why-bad-back = The merchant gave an address to return to that can't be used.
why-bad-call = The merchant's page gave a wrong timeStamp or nonceStr.
why-bad-package = The merchant's page gave a wrong package.
why-bad-sign-type = The signType must be RSA.
why-bad-pay-sign = The merchant's signature does not verify.
why-no-prepay = There is no such prepay_id.
why-wrong-partner = The partnerid is not the order's merchant.
why-wrong-app = The appid is not the one the order was placed with.
why-oauth-scope = The scope must be snsapi_base or snsapi_userinfo.
why-oauth-type = The response_type must be code.
why-oauth-state = The state is too long; at most 128 characters.
next-home = Go back to the home page.
next-look-again = Go back, reload the page and try again.
next-reload-form = Go back, reload the page and try again.
next-again-soon = Try again in a moment.
next-reference = Try again in a moment. If it stays so, give the reference number below.
next-contact = Contact Feiqian.
next-merchant = Contact the merchant.
next-new-code = Ask the merchant to show a new code or link.
next-look-in-bills = Look in your bills.
next-wait = Wait for the result and don't pay another way.
next-own-account = Sign in with the account that placed the order.
next-other-amount = Choose another amount.
next-set-pin = Set a PIN first.
next-change-pin = Change it with the current one.
next-pin-again = Enter it again.
next-pin-locked = It opens by itself then.
next-not-enough = Top up, or choose a card.
next-limit-class = Pay with a card, or verify more under Identity and limits.
next-limit-day = Pay with a card, or tomorrow.
next-limit-barcode = Pay tomorrow, or another way.
next-other-card = Choose another card.
next-sign-in = Sign in again.
next-code-wait = Use the code you have.
next-code-tomorrow = Try again tomorrow.
next-code-again = Send a new code.
next-enter-again = Confirm once more.

## Transfers from merchants
home-receive = A transfer of { $amount } waits for you
transfer-title = Transfer
transfer-from = From
transfer-until = Can be received until
transfer-what = What it is
transfer-scene = For
transfer-sent-at = Sent
transfer-received-at = Received
transfer-number = Transfer number
transfer-out-number = Merchant's number
transfer-receive = Receive { $amount }
transfer-receive-hint = It goes to your balance. What you don't receive goes back to the merchant when the time is over.
transfer-waiting = Waits for you
transfer-received = In your balance
transfer-failed = Not received; it goes back to the merchant
transfer-cancelled = Cancelled by the merchant
why-no-transfer = There is no such transfer, or it is not for you
why-transfer-ended = This transfer has ended
why-transfer-overdue = The time to receive it is over
why-transfer-account = Your account can't receive money now
why-transfer-name = The name that the merchant gave is not yours
why-transfer-day = It is more than you can receive today
why-transfer-class = It is more than an account of your class can receive
deed-transfer-asked = Transfer sent
deed-transfer-confirmed = Transfer received
deed-transfer-cancelled = Transfer cancelled
deed-transfer-advanced = Transfer goes on
short-transfer-refused = it can't be received now
