use super::world::*;
use axum::{extract::{Query,State}, routing::get, Router};
use std::{collections::HashMap, sync::Arc, net::SocketAddr};
use domain::{Command, Reply, merchant::Product, payment::ChannelAnswer};

#[tokio::test]
#[ignore]
async fn serve() {
    let mut settings = sandbox();
    if std::env::var("PROD").is_ok() { settings.sandbox=false; }
    settings.public_base = "http://127.0.0.1:8788".into();
    let world = World::on(settings, engine::ManualClock::ahead(0)).await;
    let world = Arc::new(world);
    let q = |w: Arc<World>| w;
    let app = Router::new()
      .route("/look/code", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move { w.last_code(&a["phone"]) }))
      .route("/look/native", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move { w.native(a["fen"].parse().unwrap()).await.1 }))
      .route("/look/h5", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move {
          let id=w.order(Product::H5, a["fen"].parse().unwrap()).await; format!("/pay/h5?token={}&redirect_url=https%3A%2F%2Fshop.example%2Fdone", w.service.vault.tokens().h5(id, w.service.now())) }))
      .route("/look/till", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move {
          let terms=w.terms(Product::Code, a["fen"].parse().unwrap());
          match w.run(Command::CodePay{terms, code: a["code"].parse().unwrap()}).await { Reply::Order(o)=>o.to_string(), o=>format!("{o:?}") } }))
      .route("/look/jsapi", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move {
          let id=w.order(Product::Jsapi, a["fen"].parse().unwrap()).await; let pre=w.service.vault.tokens().prepay_id(id, w.service.now());
          let app=APP.to_string(); let inv=crypto::pay_sign::Invoke{scene:crypto::pay_sign::Scene::Jsapi, app_id:&app, timestamp:"1795226400", nonce:"abc", prepay_id:&pre};
          serde_json::json!({"appId":app,"timeStamp":"1795226400","nonceStr":"abc","package":format!("prepay_id={pre}"),"signType":"RSA","paySign":inv.sign(&w.merchant_key).unwrap()}).to_string() }))
      .route("/look/bank", get(|State(w): State<Arc<World>>, Query(a): Query<HashMap<String,String>>| async move {
          w.bank_says(match a["say"].as_str() { "ok"=>ChannelAnswer::Succeeded("ICBC20261121000123".into()), "unknown"=>ChannelAnswer::Unknown, _=>ChannelAnswer::Declined("insufficient funds (51)".into()) }).await; "done" }))
      .with_state(q(Arc::clone(&world)))
      .merge(world.router.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8788").await.unwrap();
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
}
