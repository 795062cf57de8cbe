package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/transforms"
)

// fetchPack brings a pack that a server offers to this machine, and follows its versions until closing is called. The
// options returned name its folder in the cache; the reload of packs (reload.go) sees new versions there. Without
// CacheBytes all of a version is here before it is used. With it that holds for the nets that every frame may need, and
// specialists come while frames flow. A device's full model and its teacher are the server, so it starts without any net.
func (o Options) fetchPack(ctx context.Context) (local Options, closing func() error, err error) {
	if !packs.IsRemote(o.Pack) {
		return o, func() error { return nil }, nil
	}
	source, leave, err := o.packSource()
	if err != nil {
		return o, nil, err
	}
	cache, err := packs.Open(o.Cache, source)
	if err != nil {
		leave()
		return o, nil, err
	}
	wanted := packs.Everything
	if o.onDemand() {
		if wanted = models.NamedNet.Fixed; o.Server != nil {
			wanted = noNet
		}
		err = transforms.ShareDepot(cache.Blobs(), cache)
	}
	if err == nil {
		err = cache.Sync(ctx, wanted)
	}
	if err != nil {
		transforms.UnshareDepot(cache.Blobs())
		leave()
		return o, nil, errors.Join(err, cache.Close())
	}
	following, stop := context.WithCancel(ctx)
	var follow sync.WaitGroup
	follow.Go(func() { cache.Follow(following, cmp.Or(o.Watch, defaultWatch), wanted) })
	o.Pack, o.packs = cache.Pack(), cache
	return o, func() error {
		stop()
		follow.Wait()
		transforms.UnshareDepot(cache.Blobs())
		leave()
		return cache.Close()
	}, nil
}

// packSource says how the pack is reached; leave closes the connections.
func (o Options) packSource() (source *packs.Source, leave func(), err error) {
	if !packs.IsTopic(o.Pack) {
		source, err = packs.NewSource(o.Pack, o.packClient(), packs.SourceOptions{})
		return source, func() {}, err
	}
	topic, name, err := packs.TopicOf(o.Pack)
	if err != nil {
		return nil, nil, err
	}
	log, err := kafkaio.OpenLog(o.Server.Cluster, topic, o.Server.Link)
	if err != nil {
		return nil, nil, err
	}
	return packs.NewTopicSource(log, name, packs.SourceOptions{}), log.Close, nil
}

// packClient reaches the server of the pack: on a device through the same link as everything else; nil: in the usual way.
func (o Options) packClient() *http.Client {
	if o.PackClient != nil || o.Server == nil || o.Server.Link == nil {
		return o.PackClient
	}
	dialer := netlink.Dialer{Link: o.Server.Link}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ResponseHeaderTimeout: packs.DefaultStall}}
}

func noNet(models.NamedNet) bool { return false }

// onDemand reports whether specialists come while frames flow.
func (o Options) onDemand() bool { return o.CacheBytes > 0 || o.Server != nil }

// depot names where specialists come from while frames flow; empty: all are in the folder of the pack.
func (o Options) depot() string {
	if o.packs == nil || !o.onDemand() {
		return ""
	}
	return o.packs.Blobs()
}

// checkCache returns what is wrong with the options of a pack that a server offers.
func (o Options) checkCache() error {
	if packs.IsTopic(o.Pack) {
		if _, _, err := packs.TopicOf(o.Pack); err != nil {
			return fmt.Errorf("--%w", err)
		}
	}
	remote := packs.IsRemote(o.Pack) || o.packs != nil
	switch {
	case packs.IsTopic(o.Pack) && o.Server == nil:
		return errors.New("--pack kafka:TOPIC/NAME: only on a device (cachenet edge): name a folder, or an address over HTTP")
	case remote && o.Cache == "":
		return errors.New("--cache is missing: name a folder in which the pack of that address is kept")
	case !remote && (o.Cache != "" || o.CacheBytes != 0):
		return errors.New("--cache, --cache-bytes: have an effect only with the address of a pack (http://…, kafka:…): leave them out")
	case o.CacheBytes < 0:
		return fmt.Errorf("--cache-bytes %d: must not be negative", o.CacheBytes)
	case o.CacheBytes > 0 && o.ModelMemory > 0:
		return errors.New("--model-memory: --cache-bytes is the limit of memory too: leave one of them out")
	case o.CacheBytes > 0 && o.Runner == RunnerFlink:
		return errors.New("--cache-bytes: only on prism so far: leave it out, or leave out --runner flink")
	}
	return nil
}
