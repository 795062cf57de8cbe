package kafkaio

import (
	"fmt"
	"slices"
)

// Mechanisms of Security.SASL.
const (
	saslPlain  = "PLAIN"
	saslSHA256 = "SCRAM-SHA-256"
	saslSHA512 = "SCRAM-SHA-512"
)

// Validate refuses settings that contradict each other, or that would be passed over: a certificate that is given for a
// plain connection, a password without a login.
func (s Security) Validate() error {
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{s.CAFile != "" && !s.TLS, "--tls-ca without --tls: the connection would not be encrypted: add --tls, or leave it out"},
		{s.CertFile != "" && !s.TLS, "--tls-cert without --tls: the connection would not be encrypted: add --tls, or leave it out"},
		{s.KeyFile != "" && !s.TLS, "--tls-key without --tls: the connection would not be encrypted: add --tls, or leave it out"},
		{s.SkipVerify && !s.TLS, "--tls-skip-verify without --tls: the connection would not be encrypted: add --tls, or leave it out"},
		{s.SkipVerify && s.CAFile != "", "--tls-skip-verify with --tls-ca: one takes any certificate, the other names whom to trust: leave one out"},
		{(s.CertFile == "") != (s.KeyFile == ""), "--tls-cert and --tls-key: a certificate needs its key: give both"},
		{s.SASL == "" && s.User != "", "--user without --sasl: there would be no login: add --sasl PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
		{s.SASL == "" && (s.PasswordEnv != "" || s.PasswordFile != ""),
			"a password without --sasl: there would be no login: add --sasl PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
		{!slices.Contains([]string{"", saslPlain, saslSHA256, saslSHA512}, s.SASL),
			fmt.Sprintf("--sasl %q: must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.SASL)},
		{s.SASL != "" && s.User == "", "--sasl without --user: name the user"},
		{s.SASL != "" && s.PasswordEnv == "" && s.PasswordFile == "", "--sasl without a password: give --password-env or --password-file"},
		{s.PasswordEnv != "" && s.PasswordFile != "", "--password-env and --password-file: two passwords: leave one out"},
	} {
		if c.wrong {
			return fmt.Errorf("kafka: %s", c.text)
		}
	}
	return nil
}
