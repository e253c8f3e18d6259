package lift

import "testing"

func TestCredentialLifters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifter, parameters string
		fires, silent      []string
	}{
		{
			lifter: "credential_auth_brute_generic", parameters: "fail_threshold: 3",
			fires:  []string{`{"fail_count":3}`, `{"fail_count":4}`},
			silent: []string{`{"fail_count":2}`, `{"fail_count":3.0}`, `{"fail_count":"3"}`, `{"fail_count":true}`, `{"fail_count":null}`, `{}`},
		},
		{lifter: "credential_auth_brute_generic", parameters: "fail_threshold: 0", fires: []string{`{"fail_count":0}`}, silent: []string{`{"fail_count":-1}`, `{}`}},
		{
			lifter: "credential_password_guessing", parameters: "pw_threshold: 3",
			fires:  []string{`{"password_count":3,"username":"u"}`},
			silent: []string{`{"password_count":2,"username":"u"}`, `{"password_count":3,"username":""}`, `{"password_count":3}`, `{"password_count":3,"username":["u"]}`},
		},
		{
			lifter: "identity_password_spraying",
			fires:  []string{`{"account_count":1,"shared_password_hash":"h"}`},
			silent: []string{`{"account_count":0,"shared_password_hash":"h"}`, `{"account_count":1,"shared_password_hash":""}`, `{"account_count":1}`},
		},
		{
			lifter: "credential_reuse",
			fires:  []string{`{"reuse_count":1,"credential_hash":"h"}`},
			silent: []string{`{"reuse_count":0,"credential_hash":"h"}`, `{"reuse_count":1,"credential_hash":1}`, `{"reuse_count":"1","credential_hash":"h"}`},
		},
		{
			lifter: "credential_valid_account_use",
			fires:  []string{`{"result":"success","prior_brute":true}`, `{"result":"\u0073uccess","prior_brute":true}`},
			silent: []string{`{"result":"success"}`, `{"result":"success","prior_brute":1}`, `{"result":["success"],"prior_brute":true}`, `{"prior_brute":true}`},
		},
		{
			lifter: "credential_valid_account_use", parameters: "require_prior_brute: false",
			fires:  []string{`{"result":"success"}`, `{"result":"success","prior_brute":false}`},
			silent: []string{`{"result":"SUCCESS"}`, `{}`},
		},
		{
			lifter: "credential_default_credentials", parameters: "pairs: [[a, 123456], ['', b], [c, '']]",
			fires:  []string{`{"username":"a","password":"123456"}`, `{"username":"","password":"b"}`, `{"username":"c","password":""}`},
			silent: []string{`{"username":"a","password":123456}`, `{"password":"b"}`, `{"username":"c"}`, `{"username":"","password":""}`, `{"username":"a","password":"b"}`},
		},
	} {
		checkFires(t, tt.lifter, tt.parameters, tt.fires, tt.silent)
	}
}
