package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// commandLine is what `ps` shows of the process to everybody.
func (p *process) commandLine(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))
}

// checkFiles fails if a file below dir contains one of the secrets.
func checkFiles(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s contains a secret", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Passwords come from the environment or from a file. Neither right nor wrong ones appear in the process
// list, in the most verbose log, or in any file.
func TestSecretsDoNotShow(t *testing.T) {
	const right, wrong = "correct-horse-battery", "wr0ng-staple"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", right),
		kfake.Superuser("SCRAM-SHA-256", "bob", right), kfake.Superuser("SCRAM-SHA-512", "cat", right))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addr := cluster.ListenAddrs()[0]
	t.Setenv("RIGHT", right)
	t.Setenv("WRONG", wrong)
	file := func(password string) string {
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	shows := func(text string) bool { return strings.Contains(text, right) || strings.Contains(text, wrong) }
	for i, c := range []struct{ mechanism, user, from, right, wrong string }{
		{"PLAIN", "ann", "--password-env", "RIGHT", "WRONG"},
		{"PLAIN", "ann", "--password-file", file(right), file(wrong)},
		{"SCRAM-SHA-256", "bob", "--password-env", "RIGHT", "WRONG"},
		{"SCRAM-SHA-512", "cat", "--password-file", file(right), file(wrong)},
	} {
		t.Run(c.mechanism+c.from, func(t *testing.T) {
			topic, out := fmt.Sprint("frames-", i), t.TempDir()
			login := func(command, password string, more ...string) []string {
				return append([]string{command, "-v", "--brokers", addr, "--topic", topic, "--sasl", c.mechanism, "--user", c.user, c.from, password}, more...)
			}
			source := []string{"--source", someImages, "--streams", "2", "--frames", "50", "--active", "2"}
			work := []string{"--group", "g", "--pack", coloursPack, "--out", out, "--outcomes-topic", topic + "-outcomes", "--dead-letter-topic", topic + "-dead"}
			if said := mustRun(t, login("produce", c.right, source...)...); shows(said) {
				t.Errorf("produce printed a secret: %s", said)
			}
			p := start(t, login("run", c.right, append(work, "--file-age", "50ms")...)...)
			eventually(t, "rows", func() bool { return onDisk(t, out) == 100 })
			if line := p.commandLine(t); shows(line) || !strings.Contains(line, c.from) {
				t.Errorf("process list: %s", line)
			}
			if err := p.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := p.exit(t); code != 0 || shows(p.said(t)) {
				t.Errorf("exit code %d, output %s", code, p.said(t))
			}
			checkFiles(t, out, right, wrong)
			for command, more := range map[string][]string{"run": work, "produce": source} {
				refused := start(t, login(command, c.wrong, more...)...)
				if code := refused.exit(t); code != 1 || shows(refused.said(t)) || !strings.Contains(refused.said(t), "check the login") {
					t.Errorf("%s with a wrong password: exit code %d, output %s", command, code, refused.said(t))
				}
			}
		})
	}
}
