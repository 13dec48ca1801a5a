# 新版本为什么可以上线，或者为什么不可以。

gate-attack = 有 { $cases } 种攻击原来不能得逞，现在得逞了；这一点无法用其他改进弥补。
gate-broken = 回归测试共 { $cases } 项：变坏 { $broken } 项，变好 { $mended } 项。
gate-kept = { $cases ->
    [0] 没有运行回归测试。
   *[other] 回归测试共 { $cases } 项：变坏 { $broken } 项，变好 { $mended } 项。
}
gate-better = 在 { $questions } 个留出问题上，它的回答高 { $gain } 分（95% 区间：{ $low } 至 { $high }）；在 { $sure }% 的重抽样中更好。
gate-likely = 在 { $questions } 个留出问题上，它的回答高 { $gain } 分（95% 区间：{ $low } 至 { $high }）；在 { $sure }% 的重抽样中更好。很有可能更好，但还不确定：先在一部分对话中试用。
gate-not-shown = 在 { $questions } 个留出问题上，与之前的版本相比为 { $gain } 分（95% 区间：{ $low } 至 { $high }）；在 { $sure }% 的重抽样中更好，需要 { $needed_sure }%。
gate-small = 在 { $questions } 个留出问题上，它的回答高 { $gain } 分（95% 区间：{ $low } 至 { $high }）：改进太小，不值得更换。
gate-worse = 在 { $questions } 个留出问题上，与之前的版本相比为 { $gain } 分（95% 区间：{ $low } 至 { $high }）；只在 { $sure }% 的重抽样中更好。
gate-too-few = 有评价的留出问题有 { $questions } 个，至少需要 { $needed } 个才能据此决定：还差 { $missing } 个。
gate-hint = 现有的 { $questions } 个问题支持它（{ $gain } 分）：先在一部分对话中试用，由实际评价决定。
gate-no-worse = 在 { $questions } 个留出问题上，与之前的版本相比为 { $gain } 分。它要接替一个必须撤下的版本，只要损失不超过 { $margin } 分即可。
gate-falls = 在 { $questions } 个留出问题上，与之前的版本相比为 { $gain } 分：不能确定损失不超过 { $margin } 分。
gate-no-hint = 现有的 { $questions } 个问题不支持它（{ $gain } 分）。
gate-nothing = 还没有带评价的留出问题，因此无法证明它更好。
gate-not-encoded = 文档共有 { $chunks } 个片段，超过 { $most } 个时重新编码耗时过长，因此没有微调编码器（设置项 learning.max_encoded_chunks）。
