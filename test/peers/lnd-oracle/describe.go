package main

import (
	"bytes"
	"encoding/hex"
	"net"
	"strconv"

	"github.com/lightningnetwork/lnd/chanbackup"
	"github.com/lightningnetwork/lnd/channeldb"
	"github.com/lightningnetwork/lnd/keychain"
	"github.com/lightningnetwork/lnd/lnwire"
)

// singleJSON is a channel as `scb-mirror inspect --json --with-close-tx` prints it, from lnd's own
// values and by lnd's own formatting.
type singleJSON struct {
	Version          byte             `json:"version"`
	IsInitiator      bool             `json:"isInitiator"`
	ChainHash        string           `json:"chainHash"`
	FundingOutpoint  string           `json:"fundingOutpoint"`
	ShortChannelID   string           `json:"shortChannelId"`
	RemoteNodePub    hexBytes         `json:"remoteNodePub"`
	Addresses        []string         `json:"addresses"`
	CapacitySat      uint64           `json:"capacitySat"`
	LocalChanCfg     configJSON       `json:"localChanCfg"`
	RemoteChanCfg    configJSON       `json:"remoteChanCfg"`
	ShaChainRootDesc rootJSON         `json:"shaChainRootDesc"`
	LeaseExpiry      *uint32          `json:"leaseExpiry,omitempty"`
	CloseTxInputs    closeTxInputJSON `json:"closeTxInputs"`
}

type configJSON struct {
	CsvDelay            uint16 `json:"csvDelay"`
	MultiSigKey         any    `json:"multiSigKey"`
	RevocationBasePoint any    `json:"revocationBasePoint"`
	PaymentBasePoint    any    `json:"paymentBasePoint"`
	DelayBasePoint      any    `json:"delayBasePoint"`
	HtlcBasePoint       any    `json:"htlcBasePoint"`
}

type locatorJSON struct {
	Family uint32 `json:"family"`
	Index  uint32 `json:"index"`
}

type rootJSON struct {
	PubKey *string `json:"pubKey"`
	locatorJSON
}

type closeTxInputJSON struct {
	Present       bool    `json:"present"`
	CommitTx      *string `json:"commitTx,omitempty"`
	CommitSig     *string `json:"commitSig,omitempty"`
	CommitHeight  *string `json:"commitHeight,omitempty"`
	TapscriptRoot *string `json:"tapscriptRoot,omitempty"`
}

func describe(single chanbackup.Single) *singleJSON {
	description := &singleJSON{
		Version:         byte(single.Version),
		IsInitiator:     single.IsInitiator,
		ChainHash:       single.ChainHash.String(),
		FundingOutpoint: single.FundingOutpoint.String(),
		ShortChannelID:  single.ShortChannelID.AltString(),
		RemoteNodePub:   single.RemoteNodePub.SerializeCompressed(),
		Addresses:       []string{},
		CapacitySat:     uint64(single.Capacity),
		LocalChanCfg:    describeConfig(single.LocalChanCfg, locatorOf),
		RemoteChanCfg:   describeConfig(single.RemoteChanCfg, pubKeyOf),
		ShaChainRootDesc: rootJSON{
			locatorJSON: locatorJSON{
				Family: uint32(single.ShaChainRootDesc.Family),
				Index:  single.ShaChainRootDesc.Index,
			},
		},
	}
	for _, address := range single.Addresses {
		description.Addresses = append(description.Addresses, formatAddress(address))
	}
	if single.ShaChainRootDesc.PubKey != nil {
		description.ShaChainRootDesc.PubKey = text(
			single.ShaChainRootDesc.PubKey.SerializeCompressed(),
		)
	}
	if single.Version == chanbackup.ScriptEnforcedLeaseVersion {
		description.LeaseExpiry = &single.LeaseExpiry
	}
	single.CloseTxInputs.WhenSome(func(inputs chanbackup.CloseTxInputs) {
		description.CloseTxInputs = describeCloseTx(single.Version, inputs)
	})
	return description
}

func describeCloseTx(version chanbackup.SingleBackupVersion,
	inputs chanbackup.CloseTxInputs) closeTxInputJSON {

	var commitTx bytes.Buffer
	if err := inputs.CommitTx.Serialize(&commitTx); err != nil {
		fatal(err)
	}
	description := closeTxInputJSON{
		Present:   true,
		CommitTx:  text(commitTx.Bytes()),
		CommitSig: text(inputs.CommitSig),
	}
	if version.IsTaproot() {
		height := strconv.FormatUint(inputs.CommitHeight, 10)
		description.CommitHeight = &height
	}
	if version.HasTapscriptRoot() {
		root := inputs.TapscriptRoot.UnsafeFromSome()
		description.TapscriptRoot = text(root[:])
	}
	return description
}

func describeConfig(config channeldb.ChannelConfig,
	key func(keychain.KeyDescriptor) any) configJSON {

	return configJSON{
		CsvDelay:            config.CsvDelay,
		MultiSigKey:         key(config.MultiSigKey),
		RevocationBasePoint: key(config.RevocationBasePoint),
		PaymentBasePoint:    key(config.PaymentBasePoint),
		DelayBasePoint:      key(config.DelayBasePoint),
		HtlcBasePoint:       key(config.HtlcBasePoint),
	}
}

func locatorOf(key keychain.KeyDescriptor) any {
	return locatorJSON{Family: uint32(key.Family), Index: key.Index}
}

func pubKeyOf(key keychain.KeyDescriptor) any {
	return hexBytes(key.PubKey.SerializeCompressed())
}

func formatAddress(address net.Addr) string {
	if opaque, isOpaque := address.(*lnwire.OpaqueAddrs); isOpaque {
		return "opaque:" + opaque.String()
	}
	return address.String()
}

func text(bytes []byte) *string {
	digits := hex.EncodeToString(bytes)
	return &digits
}
