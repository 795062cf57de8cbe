// Package audit says how many hits were wrong, from those that were audited: hits about which the full model was asked
// too, chosen by a coin that no answer can influence ([Coin]). "Wrong" means: another answer than the full model's.
//
// # The bound
//
// Number the wrong hits 1, 2, … in the order they happen, and let p be the probability with which hit j was to be
// audited; it may depend on all that was known before its coin was tossed. For a number f in [0, 1) multiply, for each
// wrong hit,
//
//	by f                     when it was audited (caught),
//	by (1 - f·p) / (1 - p)   when it was not.
//
// The factor has the mean p·f + (1-p)·(1-f·p)/(1-p) = 1 whatever happened before, so the product is a nonnegative
// martingale that begins at 1, and so is a weighted mean M of such products over several f. Ville's inequality (J. Ville,
// "Étude critique de la notion de collectif", 1939) bounds the probability that M ever reaches 1/α by α. Nothing is
// asked of the frames: they may be correlated, come in bursts, or be chosen by an adversary who does not know the coins
// to come. With a caught wrong hits and E in all,
//
//	M(E, a) = Σ w_f · f^a · ((1 - f·p)/(1 - p))^(E-a),
//
// which grows with E; with probability 1-α it is below 1/α at all moments at once, and then E ≤ U(a), the largest E
// for which it is. The grid is f = 0, .2, .35, .5, .65, .8, .9 with weights .28 and six times .12; f = 0 serves a = 0
// and 0⁰ is 1. At p = 1 % and α = 5 %, U = 388, 750 and 1,440 for a = 0, 1 and 5.
//
// # Several rates
//
// A rate that changes makes strata: hits of one rate. Which of the strata the wrong hits that nobody caught are in is
// unknown; the bound takes the worst case. (1 - f·p)/(1 - p) grows with p for every f at once, so M is smallest, for a
// given number of them, when they fill the stratum of the lowest rate first, then the next: U is found by filling them in
// that order. This is exact, not a union over strata, and none can have more of them than it has unaudited hits. A
// rate that is understated only makes the bound larger.
//
// Compared with a confidence sequence for a mean that is bounded (Waudby-Smith and Ramdas, "Estimating means of bounded
// random variables by betting", 2024), which needs a rate that does not change, this one bounds the number of wrong hits
// among those that happened, whatever their order.
package audit
