# 钱包的中文文案。中文先写，英文见 en.ftl；两个文件的键必须一致。
# 用词：付款、收款、充值、退回、银行卡、支付密码、付款码、账单。

### 每一页
brand = 飞钱
skip = 跳到正文
sandbox-band = 沙箱
tabs-label = 主导航
tab-home = 首页
tab-bills = 账单
tab-cards = 银行卡
tab-me = 我的
zone = 中国标准时间（Asia/Shanghai，UTC+8）
go-back = 返回
go-home = 回到首页
go-on = 继续
moving-on = 正在前往下一步
try-again = 再试一次
incoming = 收入
outgoing = 支出

### 登录
sign-in-title = 登录飞钱
sign-in-lead = 输入手机号，用短信验证码登录。新手机号会自动开户。
sign-in-hint = 验证码 5 分钟内有效，请勿告诉任何人。
phone-label = 手机号
phone-malformed = 请输入 11 位中国大陆手机号，例如 13800000000。
send-code = 发送验证码
send-code-again = 重新发送
other-phone = 换一个手机号
code-title = 输入验证码
code-lead = 验证码已发送至 { $phone }。
code-label = { $digits } 位验证码
code-malformed = 验证码是 { $digits } 位数字。
code-wrong = 验证码不对，还可以再试 { $left } 次。
code-wrong-last = 验证码错误次数过多，这个验证码已作废，请重新发送。
code-not-sent = 验证码没有发出去，请一分钟后重新发送。
sign-in-go = 登录
sandbox-code = 沙箱不发短信，验证码在这里查看：
sms-sign-in = 【飞钱】登录验证码 { $code }，5 分钟内有效。飞钱不会向您索要验证码，切勿告诉他人。

### 支付密码
pin-label = 支付密码
pin-hint = 6 位数字
pin-delete = 删除一位
pin-set-title = 设置支付密码
pin-change-title = 修改支付密码
pin-lead = 每次付款都用它确认。不要使用生日、手机号或其他网站的密码。
pin-old = 当前支付密码
pin-new = 新支付密码
pin-again = 再输入一次新密码
pin-rule = 6 位数字，不能是 123456、000000 这类容易猜到的组合。
pin-set = 设置密码
pin-change = 修改密码
pin-changed = 支付密码已修改。
pin-malformed = 支付密码是 6 位数字。
pin-old-malformed = 请输入当前的 6 位支付密码。
pin-trivial = 这个密码太容易猜到，请换一个。
pin-differs = 两次输入的新密码不一致。

### 首页
home-title = 我的钱包
balance = 余额
balance-held = 其中 { $amount } 正在处理，暂不可用
home-confirm = 有一笔 { $amount } 的付款等您确认
go-scan = 扫一扫
go-code = 付款码
go-top-up = 充值
setup-title = 开始使用
setup-pin = 设置支付密码
setup-pin-done = 支付密码已设置
setup-card = 绑定银行卡
setup-card-done = 银行卡已绑定
recent-title = 最近账单
all-bills = 全部账单

### 账单
bills-title = 账单
bills-empty = 还没有账单。付款或充值后会出现在这里。
bills-newest = 回到最新
bills-older = 更早的账单
bill-title = 账单详情
bill-top-up = 余额充值
bill-reversed = 已退回
bill-refunded = 退款 { $amount }
state-paid = 付款成功
state-reversed = 商户已撤销，款项已退回余额
state-top-up =
    { $state ->
        [succeeded] 已到账
        [declined] 银行拒绝，未扣款
        [unknown] 银行尚未给出结果
       *[authorising] 正在处理
    }
fact-description = 商品
fact-paid-at = 付款时间
fact-started-at = 发起时间
fact-source = 付款方式
fact-number = 交易单号
fact-merchant-number = 商户单号
fact-payment-number = 支付编号
fact-bank-reference = 银行流水号
fact-reference = 查询编号
source-balance = 余额
timeline-title = 经过
ledger-title = 资金流水
moved-from-to = { $from } → { $to }
moved-held = 已冻结
moved-posted = 已入账
moved-voided = 已释放
kind-payment = 付款
kind-top-up = 充值
kind-reversal = 退回
kind-fee = 手续费
kind-fee-return = 手续费退回
kind-between-shards = 平台内部划转
kind-other = 其他
refunds-title = 退款
refund-processing = 退款处理中
refund-succeeded = 已退款
refund-abnormal = 银行卡未能收款，等待商户处理
refund-closed = 退款已关闭，款项未退
refund-to = 退回{ $to }
refund-reason = 原因：{ $reason }
place-your-balance = 您的余额
place-merchant = 商户待结算账户
place-bank = 银行卡通道
place-platform = 飞钱平台
actor-you = 您
actor-someone = 其他付款人
actor-merchant = 商户
actor-bank = 银行
actor-visitor = 未登录的访客
actor-platform = 飞钱
deed-order-placed = 商户下单
deed-code-scanned = 商户扫描付款码
deed-pin-wrong = 支付密码错误，未付款
deed-refused-by-you = 您拒绝了付款
deed-confirmed = 输入支付密码确认付款
deed-top-up = 输入支付密码确认充值
deed-bank-silent = 向银行查询，尚无结果
deed-bank-answered = 银行给出最终结果
deed-closed = 商户关闭订单
deed-expired = 付款期限已过
deed-reversed = 商户撤销订单
deed-refund-asked = 商户发起退款
deed-other = 更新
short-not-enough = 未通过：余额不足
short-limit = 未通过：超过限额
short-pin-locked = 未通过：支付密码已锁定
short-busy = 未通过：另一笔付款正在进行
short-paid = 未通过：订单已付款
short-expired = 未通过：已过期
short-closed = 未通过：订单已结束
short-other = 未通过（{ $code }）

### 银行卡
cards-title = 银行卡
cards-empty = 还没有绑定银行卡。绑定后可以直接用卡付款，也可以给余额充值。
cards-most = 最多绑定 { $most } 张。
card-bound-at = 绑定于
bind-card = 绑定银行卡
bind-lead = 卡号只用于向银行核验，飞钱不保存卡号，只保留末四位。
card-number = 银行卡号
card-number-hint = 卡面上的 12 到 19 位数字，可以带空格。
bind-go = 核验并绑定
card-malformed = 卡号不对，请对照卡面再输入一次。
card-unknown-bank = 暂不支持这家银行的卡。
card-declined = 银行没有通过核验：{ $reason }
card-no-answer = 银行没有答复，卡还没有绑定。请稍后再试。
card-bound-already = 这张卡已经绑定。
sandbox-cards = 沙箱里的测试卡号：
bank-debit = 储蓄卡
bank-credit = 信用卡
bank-other = 银行卡
decline-refused = 银行不同意这笔交易
decline-no-such-card = 银行查不到这张卡
decline-lost = 这张卡已挂失
decline-not-enough = 卡内余额不足
decline-expired = 卡已过期
decline-not-permitted = 这张卡不能用于此类交易
decline-limit = 超过卡的限额
decline-bank-down = 银行系统暂时不可用

### 充值
top-up-title = 余额充值
top-up-amount = 充值金额（元）
top-up-most = 单笔最多 { $most }。
top-up-card = 从哪张卡
top-up-go = 确认充值
top-up-done = 充值成功
top-up-balance = 现在余额 { $balance }
amount-malformed = 请输入大于零、最多两位小数的金额，例如 100 或 12.34。
see-bill = 查看账单

### 等待银行
wait-title = 等待银行
progress-label = 进度
progress-confirmed = 1 您已确认
progress-bank = 2 银行处理
progress-done = 3 完成
wait-asking = 正在等银行答复，通常几秒钟。
wait-unknown = 银行还没有给出结果。
wait-numbers =
    { $asked ->
        [0] 已等待 { $seconds } 秒。
       *[other] 已等待 { $seconds } 秒，已询问银行 { $asked } 次。
    }
wait-declined = 银行拒绝了这笔款
wait-may-leave-pay = 可以离开这一页。付款成功后会出现在账单里。
wait-may-leave-top-up = 可以离开这一页，到账后余额会更新，也会出现在账单里。
unknown-what = 请求已发到银行，但银行没有说是否扣款。飞钱会一直查询，直到银行给出最终结果；在此之前不会重复扣款。
unknown-next = 请不要换别的方式再付一次。需要帮助时，请提供下面的支付编号。
unknown-next-top-up = 请不要重复充值。需要帮助时，请提供下面的支付编号。
unknown-ask-at = 下一次查询：
declined-reason = 银行的理由：{ $reason }
declined-next = 可以换一张卡，或者用余额。

### 收银台
scan-title = 扫一扫
camera-open = 打开相机
camera-label = 相机画面，请将二维码放在画面中央
camera-denied = 没有相机可用，请在下面粘贴。
scan-paste = 粘贴收款码内容
scan-hint = 商户收款码的内容或付款链接。
scan-go = 去付款
scan-foreign = 这不是飞钱的收款码或链接，请商户重新出示。
scan-payment-code = 这是付款码，请让商户来扫。您要扫的是商户的收款码。
cashier-title = 确认付款
pay-to = 付给
pay-from = 付款方式
source-too-little = 不够支付
pay-go = 支付 { $amount }
pay-then-back = 付款后返回 { $host }
pay-leave = 暂不付款
pay-other-way = 换一种方式付款
back-to-merchant = 返回商户
result-title = 付款成功
result-paid = 付款成功
left-title = 没有付款
left-what = 订单还在，付款期限内可以再付。
left-again = 重新付款
may-close = 商户页面已收到结果，可以关闭这一页。
close = 关闭，回到商户页面
help-title = 有问题？
help-goods = 商品或服务的问题，请先联系商户，并提供商户单号。
help-not-me = 不是您本人付的款？请立即修改支付密码。
help-change-pin = 修改支付密码
help-number = 联系飞钱时请提供单号 { $number }。

### 付款码
code-show = 向商户出示
code-hint = 一分钟自动更新，每个码只能用一次。不要截图或发给别人。
code-free = { $amount } 及以下可免密支付，超出时需要确认。
code-always-pin = 每笔付款都需要您确认。
code-digits = 查看数字
code-left = 剩余 {"{"}s{"}"} 秒
code-until = 有效至
code-check = 商户已扫码？点此查看
code-renewed = 付款码已更新
code-qr-title = 付款二维码
code-bar-title = 付款条形码
confirm-until = 确认时间还剩 { $left }，截止
confirm-refuse = 拒绝付款

### 身份与限额
identity-title = 身份与限额
identity-class = { $class } 类账户，已通过 { $passed } 个验证渠道。
meters-title = 限额使用情况
meter-lifetime = 余额付款，开户以来累计
meter-year = 余额付款，今年
meter-day = 余额付款（输入支付密码），今天
meter-barcode = 余额扫码付款（输入支付密码），今天
meter-free = 免密支付，今天
meter-use = 已用 { $used }，还可用 { $left }
meter-free-count = 今天已免密 { $used } 次，每天最多 { $most } 次。
classes-title = 三类账户
classes-class = { $class } 类
classes-cap = 金额为余额付款的上限；银行卡付款不受此限。
classes-mine = 当前
class-one-needs = 1 个渠道验证身份；可消费、转账
class-two-needs = 3 个独立渠道；可消费、转账
class-three-needs = 5 个独立渠道或当面核实；还可购买理财
cap-lifetime = 累计 { $amount }
cap-year = 每年 { $amount }
channels-title = 验证渠道
channel-phone = 手机号
channel-identity-card = 身份证
channel-bank-card = 银行卡
channel-education = 学历
channel-social-security = 社保
channel-tax = 纳税
channel-face-to-face = 当面核实
channel-passed = 已通过
channel-open = 未验证
channel-simulate = 模拟通过
channels-not-here = 绑定银行卡会通过银行卡渠道。其他渠道由运营方接入后开放。

### 设置
settings-title = 我的
free-title = 付款码小额免密
free-what = 出示付款码时，单笔 { $amount } 及以下免输密码，每天最多 { $count } 次。因免密付款造成的非本人损失由飞钱全额赔付。
switch-on = 已开启
switch-off = 已关闭
turn-on = 开启
turn-off = 关闭
language-title = 语言
device-title = 登录设备
device-this = 本设备
device-since = 登录时间
device-until = 有效至
device-unnamed = 未知设备
sign-out = 退出登录

### 授权
oauth-title = 授权登录
oauth-what = { $application }（{ $host }）想知道您是谁。
oauth-gets = 对方会得到您在该应用下的编号，不会得到您的手机号、余额和账单。
oauth-agree = 同意
oauth-refuse = 不同意

### 出了什么事
problem-title = 没有完成
money-unmoved = 没有扣款。
money-not-again = 没有再次扣款。
money-under-way = 这笔款可能正在扣，结果出来前不会重复扣。
why-no-page = 没有这个页面。
why-malformed = 页面发来的内容不完整或有误。
why-too-large = 发送的内容太大。
why-foreign-form = 这个请求不是从飞钱的页面发出的，或者页面已过期。
why-too-often = 操作太频繁，请 { $seconds } 秒后再试。
why-busy = 现在付款的人太多，您的请求没有排上。
why-outcome-unknown = 系统中断，暂时无法确认是否成功。
why-unavailable = 系统暂时无法记账，您的请求没有保存。
why-unreadable = 系统暂时无法读取数据。
why-fault = 系统出错了。
why-suspended = 您的账户已暂停使用。
why-merchant-suspended = 商户已暂停收款。
why-no-order = 没有找到这笔订单，或者链接不完整。
why-order-paid = 这笔订单已经付过款。
why-order-closed = 这笔订单已经结束，不能再付款。
why-order-expired = 这笔订单的付款期限是 { $until }，已经过了。
why-order-busy = 这笔订单正在付款中。
why-wrong-payer = 这笔订单指定由另一个账户付款。
why-wrong-amount = 订单金额与页面显示的不一致。
why-entry-expired = 这个收款码或链接已过期。
why-entry-mismatch = 这笔订单不能用这种方式付款。
why-amount-range = 金额超出范围。
why-pin-not-set = 还没有设置支付密码。
why-pin-set = 已经设置过支付密码。
why-pin-wrong = 支付密码不对，还可以再试 { $left } 次。
why-pin-now-locked = 支付密码错误次数过多，已锁定至 { $until }。
why-pin-locked = 支付密码已锁定至 { $until }。
why-no-source = 请选择付款方式。
why-not-enough = 余额不足。
why-limit-lifetime = 超过 I 类账户的累计限额，还可用余额支付 { $left }。
why-limit-year = 超过本年的余额付款限额，还可用 { $left }。
why-limit-day = 超过今天的余额付款限额，还可用 { $left }。
why-limit-barcode = 超过今天的扫码付款限额，还可用 { $left }。
why-limit-top-up = 超过单笔充值上限 { $left }。
why-no-card = 没有找到这张银行卡。
why-too-many-cards = 最多绑定 { $most } 张银行卡。
why-no-payment = 没有找到这笔支付。
why-session-ended = 登录已失效。
why-code-too-soon = 验证码刚刚发过，{ $at } 之后可以重新发送。之前的验证码仍然有效。
why-code-too-many = 今天的验证码次数已用完，请明天再试。
why-code-missing = 验证码已失效，请重新发送。
why-no-app = 没有找到这个应用。
why-redirect = 跳转地址没有在这个应用登记。
why-request-reused = 这一页已经提交过，请重新输入支付密码。
why-refused = 请求没有通过（{ $code }）。
why-bad-back = 商户给出的返回地址不能使用。
why-bad-call = 商户页面给出的调起参数有误（timeStamp 或 nonceStr）。
why-bad-package = 商户页面给出的 package 有误。
why-bad-sign-type = 签名方式必须是 RSA。
why-bad-pay-sign = 商户签名没有通过验证。
why-no-prepay = 没有找到这个 prepay_id。
why-wrong-partner = partnerid 与订单的商户号不一致。
why-wrong-app = appid 与下单时不一致。
why-oauth-scope = scope 必须是 snsapi_base 或 snsapi_userinfo。
why-oauth-type = response_type 必须是 code。
why-oauth-state = state 太长，最多 128 个字符。
next-home = 请回到首页。
next-look-again = 请返回上一页，刷新后再试。
next-reload-form = 请返回上一页，刷新后再试。
next-again-soon = 请稍后再试。
next-reference = 请稍后再试；仍不行时，请提供下面的查询编号。
next-contact = 请联系飞钱客服。
next-merchant = 请联系商户。
next-new-code = 请让商户重新出示收款码或链接。
next-look-in-bills = 请在账单里查看。
next-wait = 请等待结果，不要换别的方式再付。
next-own-account = 请用下单时的账户登录后付款。
next-other-amount = 请换一个金额。
next-set-pin = 请先设置支付密码。
next-change-pin = 请用当前密码修改。
next-pin-again = 请再输入一次。
next-pin-locked = 到时会自动解锁。
next-not-enough = 可以充值，或选择一张银行卡。
next-limit-class = 可以用银行卡付款，或在“身份与限额”里完成更多验证。
next-limit-day = 可以用银行卡付款，或明天再付。
next-limit-barcode = 请明天再付，或换一种付款方式。
next-other-card = 请换一张卡。
next-sign-in = 请重新登录。
next-code-wait = 请使用已收到的验证码。
next-code-tomorrow = 请明天再试。
next-code-again = 请重新发送验证码。
next-enter-again = 请再确认一次。
