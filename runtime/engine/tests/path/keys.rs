//! Keys of the configuration, and what becomes of one that is taken out of it.

use signalbox_engine::SettledKeys;
use signalbox_model::TenantId;

use crate::house::*;

const FIRST: &str = "sb_01k6dq2v4me3s8l0hnt2a5vb9c_acmeacmeacmeacmeacmeacmeacmeacmeacmeacmeacme";
const SECOND: &str = "sb_01k6dq2v4me3s8l0hnt2a5vb9d_acmeacmeacmeacmeacmeacmeacmeacmeacmeacmeacme";

#[tokio::test]
async fn a_key_that_the_configuration_has_no_more_is_taken_no_more() {
    let house = House::new().await;
    let acme: TenantId = "acme".parse().unwrap();
    let made = house.handle.make_key(&acme).await.unwrap();
    let none = SettledKeys { malformed: vec![], gone: vec![] };
    assert_eq!(house.handle.settle_keys(&[(&acme, FIRST), (&acme, SECOND)]).await.unwrap(), none);
    let known = |house: &House| [FIRST, SECOND, &made].map(|key| house.handle.authenticate(key).is_some());
    assert_eq!(known(&house), [true; 3]);
    let house = house.crash().await;
    assert_eq!(known(&house), [true; 3]);
    let settled = house.handle.settle_keys(&[(&acme, SECOND), (&acme, "sb_x_y")]).await.unwrap();
    assert_eq!(settled, SettledKeys { malformed: vec![acme.clone()], gone: vec![acme] });
    assert_eq!(known(&house), [false, true, true], "one that was made here is nobody's but its owner's to end");
    let house = house.crash().await;
    assert_eq!(known(&house), [false, true, true]);
}
