"""What a run's page in MLflow begins with."""

from typing import Any

from inpaint.base.origin import changes_code
from inpaint.scoring.report import warnings
from inpaint.scoring.text import interval


def describe(result: dict[str, Any], trained: dict[str, Any]) -> str:
    """A few lines of Markdown.

    Args:
        result: the content of reports/metrics.json.
        trained: the content of reports/train.json.
    """
    data, holes, test = result["data"], result["holes"], result["test"]
    best, model, origin = test["best_baseline"], trained["params"]["model"], result["origin"]
    score = test["model"]["composite"]["ssim_unit"]
    code = f"commit `{origin['baseline'][:7]}`" if origin["baseline"] else "no commit"
    if changes_code(origin["diff"]):
        code += " with the changes in the artifact `code.diff`"
    if trained["origin"]["experiment"]:
        code = f"DVC experiment `{trained['origin']['experiment']}`, {code}"
    again = f"; `inpaint reproduce {result['run_id'][:8]}` makes it again"
    if not origin["baseline"]:
        again = ""
    lines = [
        f"**{data['dataset']}, {holes['kind']} holes** that hide {holes['share']:.1%} of each "
        f"image: `ssim_unit` **{score:.4f}** on {data['test_size']} test images, {best} "
        f"{test['baselines'][best]['ssim_unit']:.4f}, gain "
        f"{interval(test['gain']['ssim_unit'], '+.4f')}, in the hole "
        f"{interval(test['gain']['hole_psnr_db'], '+.2f')} dB.",
        f"{model['network']} with {trained['num_parameters']:,} parameters, trained on "
        f"{data['train_size']} images for {trained['epochs']} epochs in "
        f"{trained['seconds']:.0f} s.",
        f"Origin: {code}{again}.",
    ]
    return "\n\n".join(warnings(result, trained) + lines)
