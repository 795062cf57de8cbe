// Package broker runs a Kafka-compatible broker inside this process, for demos, tests and small sites
// without a Kafka of their own. It is kfake (github.com/twmb/franz-go/pkg/kfake): one node, every codec,
// consumer groups; with a data folder its topics survive a crash of the process.
package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

// defaultPartitions is what a topic gets by default.
const defaultPartitions = 4

// memorySegment is the size of a segment of a partition without a data folder, bytes. kfake keeps a segment in one slice
// and copies all of it whenever the slice has to grow, while no request is served: with its default of 100 MB
// everybody who used the broker waited for 60 to 200 ms at a time, in all partitions at once.
const memorySegment = 1 << 20

// lockFile is in the data folder of every broker.
const lockFile = "broker.lock"

// Wrote reports whether dir is the data folder of a broker. Start makes one of any folder.
func Wrote(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, lockFile))
	return err == nil
}

// Options says how the broker listens and what it keeps. The zero value listens on a free loopback port,
// keeps everything in memory and makes topics only when a client creates them.
type Options struct {
	Listen     string           // HOST:PORT; empty means 127.0.0.1:0, port 0 means a free one
	Advertise  string           // host, without a port, that clients connect to; empty means Listen's, or this machine's name for a wildcard
	DataDir    string           // folder for topics and groups, made when missing; empty keeps them in memory
	Topics     map[string]int32 // topics to make on the first start, with their partition counts
	Partitions int              // partitions of a topic made without a count, default 4
	AutoCreate bool             // make a topic when a client that allows it asks for one that is missing
}

// Broker is a running broker. Close it to free its port and folder.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	lock    *flock.Flock
	close   sync.Once
}

// Start begins to serve. The error says whether an address or the folder is at fault.
func Start(o Options) (*Broker, error) {
	listen := o.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("broker: listen on %q: give HOST:PORT: %w", listen, err)
	}
	portNumber, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("broker: listen on %q: give a port from 0 to 65535: %w", listen, err)
	}
	advertised, err := advertisedHost(o.Advertise, host)
	if err != nil {
		return nil, err
	}
	lock, err := lockDataDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	opts := append(o.kfake(), kfake.Ports(int(portNumber)), kfake.ListenFn(listenOn(host, advertised)))
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, errors.Join(startError(listen, o.DataDir, err), unlock(lock))
	}
	foldFilters(cluster)
	refuseNames(cluster)
	return &Broker{cluster: cluster, addr: cluster.ListenAddrs()[0], lock: lock}, nil
}

// Addr returns the HOST:PORT that clients connect to.
func (b *Broker) Addr() string { return b.addr }

// Close stops serving, writes what the data folder still lacks and frees it. Further calls do nothing.
func (b *Broker) Close() error {
	var err error
	b.close.Do(func() {
		b.cluster.Close()
		err = unlock(b.lock)
	})
	return err
}

func (o Options) kfake() []kfake.Opt {
	partitions := o.Partitions
	if partitions <= 0 {
		partitions = defaultPartitions
	}
	opts := []kfake.Opt{kfake.DefaultNumPartitions(partitions), kfake.WithLogger(logger{}), kfake.ClusterID("cachenet"), kfake.MaxVersions(claimed())}
	if o.DataDir != "" {
		opts = append(opts, kfake.DataDir(o.DataDir))
	} else {
		opts = append(opts, kfake.BrokerConfigs(map[string]string{"log.segment.bytes": strconv.Itoa(memorySegment)}))
	}
	if o.AutoCreate {
		opts = append(opts, kfake.AllowAutoTopicCreation())
	}
	for topic, n := range o.Topics {
		opts = append(opts, kfake.SeedTopics(n, topic))
	}
	return opts
}

func startError(listen, dir string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("broker: listen on %s: choose an address of this machine and a free port: %w", listen, err)
	}
	return fmt.Errorf("broker: read data folder %q: move it away or choose another: %w", dir, err)
}

// lockDataDir makes dir and holds it, since two brokers that write one folder would destroy it.
func lockDataDir(dir string) (*flock.Flock, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("broker: create data folder %q: give one that can be written: %w", dir, err)
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("broker: write data folder %q: give one that can be written: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("broker: use data folder %q: another broker has it open: stop that one or give another folder", dir)
	}
	return lock, nil
}

func unlock(lock *flock.Flock) error {
	if lock == nil {
		return nil
	}
	return lock.Unlock()
}

// logger passes on kfake's warnings and errors; its other levels are for debugging kfake.
type logger struct{}

func (logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		slog.Error("broker: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
	case kfake.LogLevelWarn:
		slog.Warn("broker: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}
