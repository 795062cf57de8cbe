package kafkaio

import (
	"strings"
	"testing"
)

func TestContradictorySettings(t *testing.T) {
	for text, s := range map[string]Security{
		"--tls-ca without --tls":          {CAFile: "ca.pem"},
		"--tls-cert without --tls":        {CertFile: "c.pem", KeyFile: "k.pem"},
		"--tls-key without --tls":         {KeyFile: "k.pem"},
		"--tls-skip-verify without --tls": {SkipVerify: true},
		"--tls-skip-verify with --tls-ca": {TLS: true, SkipVerify: true, CAFile: "ca.pem"},
		"--tls-cert and --tls-key":        {TLS: true, CertFile: "c.pem"},
		"--user without --sasl":           {User: "u"},
		"a password without --sasl":       {PasswordEnv: "P"},
		"--sasl without --user":           {SASL: "PLAIN", PasswordEnv: "P"},
		"--sasl without a password":       {SASL: "PLAIN", User: "u"},
		`--sasl "plain": must be PLAIN`:   {SASL: "plain", User: "u", PasswordEnv: "P"},
		"two passwords":                   {SASL: "PLAIN", User: "u", PasswordEnv: "P", PasswordFile: "p"},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: error %v, want one that says %q", s, err, text)
		}
		if _, err := (Cluster{Brokers: []string{"127.0.0.1:1"}, Security: s}).connect(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: connected, error %v", s, err)
		}
	}
	for _, s := range []Security{{}, {TLS: true}, {TLS: true, CAFile: "ca"}, {TLS: true, SkipVerify: true}, {TLS: true, CertFile: "c", KeyFile: "k"},
		{SASL: "PLAIN", User: "u", PasswordFile: "p"}, {TLS: true, SASL: "SCRAM-SHA-256", User: "u", PasswordEnv: "P"}} {
		if err := s.Validate(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
