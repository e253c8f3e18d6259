// Package proxy stands between clients and brokers and cuts or stalls what goes through it. What a stall holds back
// is delivered late, not dropped: a request that arrives when nobody expects it any more is the fault to look for.
package proxy
