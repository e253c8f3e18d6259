package apache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// readyTimeout bounds the wait for all brokers of a cluster to answer.
	readyTimeout = 2 * time.Minute
	// askAgain is the pause between two looks.
	askAgain = 100 * time.Millisecond
)

// A Cluster is a running one. Its methods may be called from several goroutines, those of one node from one at a time.
type Cluster struct {
	nodes   []*Node
	scratch string // directory to remove; "" = none
}

// Start starts the brokers and returns when each knows of all. Close the cluster when done. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg.Nodes, cfg.Heap = cmp.Or(cfg.Nodes, 1), cmp.Or(cfg.Heap, 512)
	launcher, err := java()
	if err != nil {
		return nil, err
	}
	jars, err := Jars(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	if cfg.Dir == "" && cfg.Detached {
		return nil, errors.New("starting detached brokers: no directory is given")
	}
	if cfg.Dir == "" {
		if cfg.Dir, err = os.MkdirTemp("", "kafka-"); err != nil {
			return nil, fmt.Errorf("making a place for Kafka's data: %w", err)
		}
		c.scratch = cfg.Dir
	}
	if err := c.lay(cfg, launcher, jars); err != nil {
		c.Close()
		return nil, err
	}
	if err := c.startAll(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// lay writes what each node needs to start.
func (c *Cluster) lay(cfg Config, launcher, jars string) error {
	all, err := choosePorts(cfg)
	if err != nil {
		return err
	}
	logging := filepath.Join(cfg.Dir, "log4j2.properties")
	if err := os.WriteFile(logging, log4j, 0o600); err != nil {
		return fmt.Errorf("setting up Kafka's log: %w", err)
	}
	for id := 1; id <= cfg.Nodes; id++ {
		n := &Node{
			ID: id, Addr: loopback(all[id-1].client), Advertised: loopback(all[id-1].client), broker: loopback(all[id-1].broker),
			dir: filepath.Join(cfg.Dir, "node-"+strconv.Itoa(id)), log: cfg.Log, detached: cfg.Detached,
			java: launcher, args: []string{"-Xms128m", "-Xmx" + strconv.Itoa(cfg.Heap) + "m", "-Dlog4j2.configurationFile=" + logging, "-cp", filepath.Join(jars, "*")},
		}
		if cfg.Fast {
			n.args = append([]string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"}, n.args...)
		}
		if cfg.Advertised != nil {
			n.Advertised = cfg.Advertised(id, n.Addr)
		}
		if err := os.MkdirAll(n.dir, 0o750); err != nil {
			return fmt.Errorf("making a place for a broker: %w", err)
		}
		props := cfg.properties(id, all, n.Advertised, filepath.Join(n.dir, "data"))
		if err := os.WriteFile(n.settings(), format(props), 0o600); err != nil {
			return fmt.Errorf("writing the settings of a broker: %w", err)
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

// clusterID is the id that storage is formatted with; any will do, the same for all nodes.
const clusterID = "dHRwd29ya2VyLXRlc3RzMQ"

func (c *Cluster) startAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() {
			if errs[i] = n.format(ctx); errs[i] == nil {
				errs[i] = n.Start()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return c.Await(ctx)
}

// Await returns when every node that runs answers and all of them know each other.
func (c *Cluster) Await(ctx context.Context) error {
	for _, n := range c.nodes {
		if !n.Running() {
			continue
		}
		if err := n.await(ctx, c.running()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) running() int {
	count := 0
	for _, n := range c.nodes {
		if n.Running() {
			count++
		}
	}
	return count
}

// await returns when the broker answers and knows of at least so many.
func (n *Node) await(ctx context.Context, brokers int) error {
	// The answer must be its own and of now: a client's metadata may be another broker's, or minutes old. The brokers'
	// listener is asked, as that of clients may want a password.
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.broker))
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for n.Running() {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		resp, err := req.RequestWith(try, cl.SeedBrokers()[0])
		cancel()
		if err == nil && len(resp.Brokers) >= brokers {
			return nil
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return fmt.Errorf("waiting for broker %d: %w\n%s", n.ID, ctx.Err(), n.tail())
		}
	}
	return fmt.Errorf("broker %d ended by itself\n%s", n.ID, n.tail())
}

// Brokers lists what clients are to be given, host:port each.
func (c *Cluster) Brokers() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.Advertised
	}
	return addrs
}

// Nodes lists the nodes, running or not, by id.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Close kills what runs and removes the data, unless it was given a place.
func (c *Cluster) Close() {
	for _, n := range c.nodes {
		_ = n.Kill() // a scratch cluster has nothing to lose, and the others' leaders need not move
	}
	if c.scratch != "" {
		_ = os.RemoveAll(c.scratch)
	}
}

// Stop stops all brokers in good order; the data stays where it was given a place.
func (c *Cluster) Stop() error {
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() { errs[i] = n.Stop() })
	}
	wg.Wait()
	c.Close()
	return errors.Join(errs...)
}

// choosePorts finds three ports per node that nobody listens on.
func choosePorts(cfg Config) ([]ports, error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	var lc net.ListenConfig
	free := func(port int) (int, error) {
		l, err := lc.Listen(context.Background(), "tcp", loopback(port))
		if err != nil {
			return 0, fmt.Errorf("choosing a broker's port: %w", err)
		}
		held = append(held, l)
		return l.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // of a TCP listener
	}
	all := make([]ports, cfg.Nodes)
	for i := range all {
		client := 0
		if cfg.Port != 0 {
			client = cfg.Port + i
		}
		var errs [3]error
		all[i].client, errs[0] = free(client)
		all[i].broker, errs[1] = free(0)
		all[i].controller, errs[2] = free(0)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// format makes a node's storage, unless it has one.
func (n *Node) format(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, n.java, append(n.args, "kafka.tools.StorageTool", "format", "--ignore-formatted", //nolint:gosec // arguments of ours
		"--cluster-id", clusterID, "--config", n.settings())...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the storage of broker %d: %w\n%s", n.ID, err, strings.TrimSpace(string(out)))
	}
	return nil
}
